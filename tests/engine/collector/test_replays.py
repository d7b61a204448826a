"""Shadows, fed by the collector with what is really stored."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import Engine, func, select

from db import writes
from db.session import reading
from db.tables import decisions, predictions, rollups
from engine.collector.follower import Follower
from engine.collector.reader import RowReader
from engine.collector.replays import MODEL, Shadows
from engine.records import TOTAL
from engine.sources import Source
from engine.training.policy import TrainedPolicy
from tests.engine.collector.rows import raw_rows, write
from tests.engine.models.trained import INDEX

START = 1_700_000_000
CAPACITY = 200_000


@pytest.fixture
def source(sqlite_store: Engine) -> Source:
    number = writes.ensure_source(sqlite_store, "sample", "sample", "measured")
    return Source(number, "sample", "sample", "measured", {})


def follower(source: Source, store: Engine) -> Follower:
    shadows = Shadows(CAPACITY, source.id, store)
    return Follower(source, store, RowReader(source, store), shadows)


def decide(
    store: Engine, source: int, begin: int, name: str, action: str, seconds: float = 5.0
) -> None:
    shared: dict[str, Any] = {
        "at": begin - 4.0,
        "source": source,
        "cache_name": name,
        "valid_from": float(begin),
        "valid_until": begin + seconds,
    }
    number = f"{name}{begin}"
    horizon = {part: [9.0, 9.0] for part in ("demand", "demand_low", "demand_high")}
    prediction = {
        **shared,
        "id": number,
        "interval_s": 5.0,
        "demand": 9.0,
        "demand_low": 9.0,
        "demand_high": 9.0,
        "load_time_ms": 40.0,
        "horizon": {**horizon, "load_time_ms": [40.0, 40.0]},
        "forecaster": "last",
    }
    decision = {
        **shared,
        "prediction_id": number,
        "agent": "qlearning",
        "action": action,
        "ttl_seconds": 0.0 if action == "drop" else 60.0,
        "refresh_ahead": False,
        "published": False,
        "state": "1.1.1.1",
        "q_values": [0, 0, 0, 0],
        "explored": False,
        "exploration": 0.0,
        "reason": "test",
    }
    writes.insert(store, predictions, [prediction])
    writes.insert(store, decisions, [decision])


def figures(store: Engine, policy: str, width: int, name: str = TOTAL) -> tuple[int, int]:
    query = select(func.sum(rollups.c.requests), func.sum(rollups.c.hits)).where(
        rollups.c.policy == policy, rollups.c.width == width, rollups.c.cache_name == name
    )
    with reading(store) as connection:
        requests, hits = connection.execute(query).one()
    return int(requests or 0), int(hits or 0)


def test_every_shadow_sees_every_request_once_also_over_restarts(
    sqlite_store: Engine, source: Source
) -> None:
    write(sqlite_store, raw_rows(source.id, 3000, START))
    following = follower(source, sqlite_store)
    for second in range(80):
        if second in {23, 47}:
            following = follower(source, sqlite_store)
        following.turn(float(START + second))
    assert figures(sqlite_store, MODEL, 1) == (0, 0)  # nobody promoted one
    for policy in set(Shadows.names) - {MODEL}:
        assert figures(sqlite_store, policy, 1)[0] == 3000
        assert figures(sqlite_store, policy, 10)[0] == 3000
        assert figures(sqlite_store, policy, 10)[1] > 1000


def test_the_agents_shadow_obeys_its_decisions(sqlite_store: Engine, source: Source) -> None:
    write(sqlite_store, raw_rows(source.id, 3000, START))
    following = follower(source, sqlite_store)
    for second in range(80):
        if second % 5 == 1:
            for name in ("/a", "/b"):
                action = "drop" if name == "/a" else "keep_long"
                decide(sqlite_store, source.id, START + second + 4, name, action)
        following.turn(float(START + second))
    dropped = figures(sqlite_store, "agent", 10, "/a")
    kept = figures(sqlite_store, "agent", 10, "/b")
    assert dropped[1] < 0.3 * dropped[0]
    assert kept[1] > 0.5 * kept[0]
    assert figures(sqlite_store, "heuristic", 10, "/a")[1] > dropped[1]
    assert figures(sqlite_store, "heuristic", 1, "/a") == (0, 0)


class Champion:
    """A model that anybody may take away."""

    here = True

    def get(self, _alias: str) -> tuple[int, TrainedPolicy] | None:
        return (1, INDEX) if self.here else None


def test_a_trained_model_is_replayed_beside_the_agent_while_there_is_one(
    sqlite_store: Engine, source: Source
) -> None:
    write(sqlite_store, raw_rows(source.id, 3000, START))
    champion = Champion()
    shadows = Shadows(CAPACITY, source.id, sqlite_store, champion)
    following = Follower(source, sqlite_store, RowReader(source, sqlite_store), shadows)
    for second in range(80):
        champion.here = second < 45
        if second % 5 == 1:
            for name in ("/a", "/b"):
                decide(sqlite_store, source.id, START + second + 4, name, "drop")
        following.turn(float(START + second))
    requests, hits = figures(sqlite_store, MODEL, 1)
    assert 1000 < requests < 3000
    # Few keys asked for often: the model keeps what the agent was told to drop.
    assert hits > 0.3 * requests
    assert figures(sqlite_store, "agent", 10, TOTAL)[1] < hits


def test_rulings_of_a_long_interval_stay_in_force_over_a_restart(
    sqlite_store: Engine, source: Source
) -> None:
    write(sqlite_store, raw_rows(source.id, 13_000, START))
    for begin in (0, 300):
        decide(sqlite_store, source.id, START + begin, "/a", "drop", 300.0)
    following = follower(source, sqlite_store)
    while following.turn(START + 200.0).is_behind:
        pass
    before = figures(sqlite_store, "agent", 10, "/a")
    assert before[0] > 500
    assert before[1] == 0
    # Decided three minutes ago, in force for two minutes yet.
    following = follower(source, sqlite_store)
    while following.turn(START + 250.0).is_behind:
        pass
    after = figures(sqlite_store, "agent", 10, "/a")
    assert after[0] > before[0] + 500
    assert after[1] == 0
