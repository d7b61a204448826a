"""Copies of queue samples and events: each once, whoever restarts."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, select

from db.session import reading
from db.tables import events, queue_samples
from engine.broker.base import Message
from engine.collector.watch import EventWatch, QueueWatch
from engine.settings import Settings, load_settings
from tests.engine.broker.serving import Serving
from tests.engine.stubs.running import RunningEngine, stub, until


@pytest.fixture
def serving(tmp_path: Path) -> Iterator[Serving]:
    server = Serving(tmp_path).start().wait_ready()
    yield server
    server.close()


def stored(store: Engine, table: Any, *order: Any) -> list[dict[str, Any]]:  # noqa: ANN401
    with reading(store) as connection:
        found = connection.execute(select(table).order_by(*order)).mappings().all()
    return [dict(row) for row in found]


def test_each_second_of_the_queue_is_copied_once_also_after_a_restart(
    serving: Serving, sqlite_store: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "engine.broker.client.connect", lambda *_, **__: serving.broker("collector")
    )
    settings = load_settings()
    producer = serving.broker()
    watch = QueueWatch(settings, sqlite_store)
    end, put = time.monotonic() + 3.2, 0
    while time.monotonic() < end:
        producer.put_many([Message(f"m{put}", b"x", time.monotonic_ns())])
        put += 1
        time.sleep(0.05)
        watch.copy()
        if put == 30:  # a collector that was killed and starts anew
            watch = QueueWatch(settings, sqlite_store)

    def is_copied() -> bool:
        watch.copy()
        return copied(sqlite_store) == put

    until(is_copied, 10.0)
    watch.close()
    producer.close()
    ats = [row["at"] for row in stored(sqlite_store, queue_samples, queue_samples.c.at)]
    assert len(ats) == len(set(ats)) >= 3


def copied(store: Engine) -> int:
    return sum(row["accepted"] for row in stored(store, queue_samples, queue_samples.c.at))


def test_a_queue_that_is_away_keeps_nobody(sqlite_store: Engine, tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path / "none")
    begun = time.monotonic()
    QueueWatch(settings, sqlite_store).copy()
    EventWatch(settings, sqlite_store).copy()
    assert time.monotonic() - begun < 5
    assert stored(sqlite_store, queue_samples, queue_samples.c.at) == []


def test_events_of_every_life_of_the_engine_are_copied_once(
    tmp_path: Path, sqlite_store: Engine
) -> None:
    engine = RunningEngine(tmp_path, stub("first"))
    try:
        engine.becomes("first", "running")
        watch = EventWatch(engine.settings, sqlite_store)
        watch.copy()
        EventWatch(engine.settings, sqlite_store).copy()
        engine.call("stop", name="first")
        engine.becomes("first", "stopped")
        watch.copy()
        first = engine.events()
        rows = stored(sqlite_store, events, events.c.sequence)
        assert [row["sequence"] for row in rows] == [event["sequence"] for event in first]
        assert [row["message"] for row in rows] == [event["message"] for event in first]
    finally:
        engine.close()
    again = RunningEngine(tmp_path, stub("first"))
    try:
        again.becomes("first", "running")

        def is_copied() -> bool:
            watch.copy()
            return len(writers(sqlite_store)) == 2

        until(is_copied, 10.0)
        watch.copy()
        copies = [row for row in stored(sqlite_store, events, events.c.id) if row not in rows]
        assert [row["sequence"] for row in copies] == list(range(1, len(copies) + 1))
    finally:
        again.close()


def writers(store: Engine) -> set[str]:
    return {row["writer"] for row in stored(store, events, events.c.id)}
