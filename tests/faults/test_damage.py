"""An engine that finds what it kept damaged says so in a sentence each, and works."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import Engine, select

from db import writes
from db.queries import decisions, system
from db.session import reading
from db.tables import agent_checkpoints, forecast_scores, predictions
from engine.broker.base import Message
from engine.broker.client import connect
from engine.records import TOTAL
from tests.engine.stubs.running import until
from tests.faults.accounts import SAMPLE
from tests.faults.living import Living, prepared

JUDGED_AT = time.time()


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    opened = prepared(f"sqlite:///{tmp_path_factory.mktemp('damage')}/store.sqlite3")
    source = writes.ensure_source(opened, "sample", "sample", "measured")
    assert source == SAMPLE
    writes.insert(opened, forecast_scores, [won("lstm"), won("last", chosen=False)])
    torn = {"source": source, "agent": "qlearning", "at": 1.0, "steps": 9, "exploration": 0.1}
    writes.upsert(opened, agent_checkpoints, [torn | {"state": '{"agent": "qlearning", "tab'}])
    yield opened
    opened.dispose()


def won(forecaster: str, *, chosen: bool = True) -> dict[str, Any]:
    return {
        "at": JUDGED_AT,
        "source": SAMPLE,
        "forecaster": forecaster,
        "cache_name": TOTAL,
        "origins": 40,
        "demand_mae": 1.0,
        "demand_mase": 0.9,
        "load_time_mae_ms": 1.0,
        "coverage": 0.8,
        "chosen": chosen,
        "note": "a test says so",
    }


@pytest.fixture(scope="module")
def engine(store: Engine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Living]:
    folder = tmp_path_factory.mktemp("engine")
    for place, content in (
        ("data/queue/predictions.journal", b"\xff" * 5000),
        (f"data/checkpoints/forecaster-{SAMPLE}-lstm.json", b'{"check": "0", "content": {'),
    ):
        path = folder / place
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    (folder / "data/queue").chmod(0o700)
    living = Living(folder, store.url)
    try:
        living.all_are("running")
        until(lambda: decisions.latest(store, SAMPLE, 1), 40.0)
        yield living
    finally:
        living.close()


def lines(engine: Living, service: str, words: str) -> list[str]:
    return [line for line in engine.log(service).splitlines() if re.search(words, line)]


def test_a_damaged_journal_is_moved_aside(engine: Living) -> None:
    assert lines(engine, "queue", "is no journal|damaged|moved")
    kept = [path for path in (engine.folder / "data/queue").iterdir() if path.stat().st_size]
    assert any(path.read_bytes() == b"\xff" * 5000 for path in kept)


def test_a_damaged_forecaster_checkpoint_leaves_the_naive_forecast(
    engine: Living, store: Engine
) -> None:
    assert len(lines(engine, "forecaster", "is damaged; it is left aside")) == 1
    told = [row["message"] for row in system.events(store, 0.0) if row["kind"] == "checkpoint"]
    assert len(told) == 1
    assert "is damaged" in told[0]
    with reading(store) as connection:
        names = set(connection.execute(select(predictions.c.forecaster)).scalars())
    assert names == {"last"}


def test_a_damaged_agent_checkpoint_starts_the_agent_afresh(engine: Living) -> None:
    assert len(lines(engine, "agent", "starts afresh")) == 1


def test_a_malformed_prediction_is_told_and_the_next_is_decided_on(
    engine: Living, store: Engine
) -> None:
    queue = connect(engine.settings, client="test")
    begun = time.time()
    bad = {"broken": b"\xc1 no message", "empty": b"{}", "half": b'{"id": "half", "at": 1'}
    queue.put_many([Message(id_, text, time.monotonic_ns()) for id_, text in bad.items()])
    until(lambda: len(lines(engine, "agent", "is no prediction and was dropped")) == len(bad))
    until(lambda: decisions.latest(store, SAMPLE, 1)[0]["at"] > begun + 0.5)
    until(lambda: queue.counters().leased == 0)
    assert not {one.id for one in queue.peek(100)} & bad.keys()
    queue.close()
    assert engine.service("agent")["restarts"] == 0


def test_nothing_of_it_was_a_traceback(engine: Living) -> None:
    assert engine.tracebacks() == {}
