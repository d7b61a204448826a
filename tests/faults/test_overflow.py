"""More predictions than the queue holds come while nobody takes them."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from sqlalchemy import Engine

from db import writes
from db.queries import decisions
from db.tables import rollups
from engine.agent.base import Transition
from engine.agent.qlearning import QLearning
from engine.agent.work import Deciding
from engine.broker.base import CAPACITY, Message
from engine.collector.sums import Sums
from engine.records import TOTAL, Prediction
from engine.settings import load_settings
from tests.engine.broker.serving import Serving

NAMES = tuple(f"/{number}" for number in range(13))
INTERVALS = 10
BEGIN = 1_000_000.0


@pytest.fixture
def serving(tmp_path: Path) -> Iterator[Serving]:
    server = Serving(tmp_path).start().wait_ready()
    yield server
    server.close()


def prediction(name: str, interval: int, source: int) -> Prediction:
    begin = BEGIN + 5 * interval
    steps = (20.0, 20.0)
    return Prediction(
        id=f"{name}-{interval}",
        at=begin - 3,
        source=source,
        cache_name=name,
        interval_s=5.0,
        valid_from=begin,
        valid_until=begin + 5,
        demand=steps,
        demand_low=steps,
        demand_high=steps,
        load_time_ms=steps,
        forecaster="last",
    )


def a_round(interval: int, source: int) -> list[Message]:
    made = [prediction(name, interval, source) for name in NAMES]
    return [Message(one.id, msgspec.json.encode(one), time.monotonic_ns()) for one in made]


def record(store: Engine, source: int, seconds: int) -> None:
    rows = []
    for at in range(int(BEGIN), int(BEGIN) + seconds):
        for name in (*NAMES, TOTAL):
            sums = Sums()
            sums.requests, sums.hits, sums.load_time_ms, sums.saved_ms = 4, 3, 12.0, 24.0
            rows.append(sums.row(source, "recorded", 1, at, name))
    writes.upsert(store, rollups, rows)
    end = int(BEGIN) + seconds
    writes.update_source(store, source, watermark=float(end), cursor={"settled": end})


def test_overwritten_intervals_count_into_the_discount_of_the_lesson(
    serving: Serving, sqlite_store: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    learned: list[Transition] = []
    monkeypatch.setattr(QLearning, "learn", lambda _self, lesson: learned.append(lesson))
    agent = Deciding(load_settings(), sqlite_store)
    source = agent.source.id
    forecaster, consumer = serving.broker(), serving.broker()
    forecaster.put_many(a_round(0, source))
    taken, _ = consumer.get_many(50, 1.0)
    agent.take(taken, BEGIN - 1)
    consumer.acknowledge([one.id for one in taken])
    consumer.flush()

    gone: list[str] = []
    for interval in range(1, INTERVALS + 1):  # nobody takes them
        gone += forecaster.put_many(a_round(interval, source)).overwritten
    assert len(gone) == len(NAMES) * INTERVALS - CAPACITY
    while taken := consumer.get_many(50, 0.1)[0]:
        agent.take(taken, BEGIN + 5)
        consumer.acknowledge([one.id for one in taken])
    consumer.flush()
    counted = forecaster.counters()
    made = decisions.latest(sqlite_store, source, 1000)
    assert counted.accepted == len(NAMES) * (INTERVALS + 1)
    assert counted.acknowledged == len(made) == counted.accepted - len(gone)
    assert not set(gone) & {row["prediction_id"] for row in made}

    record(sqlite_store, source, 5 * INTERVALS)
    agent.turn(BEGIN + 8.0)
    first = {one.cache_name: one.intervals for one in learned if one.intervals > 1}
    missed = {name: sum(id_.startswith(f"{name}-") for id_ in gone) for name in NAMES}
    assert first == {name: count + 1 for name, count in missed.items()}
    assert min(first.values()) == 3
    forecaster.close()
    consumer.close()
