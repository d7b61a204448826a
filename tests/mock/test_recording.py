"""What the origin leaves behind of a request, and how it waits for a database that hangs."""

from __future__ import annotations

import asyncio
import threading
import time
from pathlib import Path

from sqlalchemy import Engine, select

from db.session import reading
from db.tables import cache_metrics, cache_refreshes
from db.writes import BatchWriter
from engine.lifeline import Lifeline
from engine.settings import load_settings
from mock.origin import Origin
from mock.recorder import Recorder


def test_long_keys_that_differ_at_their_end_are_recorded_apart(sqlite_store: Engine) -> None:
    writer = BatchWriter(sqlite_store)
    recorder = Recorder(writer, 1)
    for page in (1, 2):
        key = f"/search?q={'x' * 300}&page={page}"
        recorder.request(
            name="/search",
            key=key,
            hit=False,
            stale=False,
            load_time_ms=1.0,
            size_bytes=1,
            hit_ratio=0.0,
            item_count=1,
            policy="lru",
            action=None,
        )
        recorder.refresh("/search", key, 1.0, 1)
    assert writer.flush(10)
    writer.close()
    for table in (cache_metrics, cache_refreshes):
        with reading(sqlite_store) as connection:
            keys = list(connection.execute(select(table.c.cache_key)).scalars())
        assert len(set(keys)) == 2
        assert {len(key) for key in keys} == {255}


def test_polls_do_not_pile_up_behind_a_database_that_hangs(
    sqlite_store: Engine, tmp_path: Path
) -> None:
    settings = load_settings(
        DATABASE_URL=str(sqlite_store.url), CACHESCOPE_DATA_DIR=str(tmp_path / "data")
    )
    origin = Origin(settings, sqlite_store, Lifeline())
    origin.prepare()
    free, polls = threading.Event(), []

    def hang() -> None:
        polls.append(time.monotonic())
        free.wait(20)

    origin._poll = hang  # type: ignore[method-assign]

    async def turns() -> None:
        for _ in range(5):
            origin._next_poll = 0.0
            await origin.turn()
            await asyncio.sleep(0.05)
        assert origin._background._work_queue.qsize() == 0, "polls wait in line"
        assert len(polls) <= 1
        free.set()
        end = time.monotonic() + 10
        while len(polls) < 2 and time.monotonic() < end:
            origin._next_poll = 0.0
            await origin.turn()
            await asyncio.sleep(0.05)

    asyncio.run(turns())
    assert len(polls) >= 2, "polling goes on once the database answers"
    origin.close()
