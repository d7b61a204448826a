"""A large table of a user's own that is collected for the first time."""

from __future__ import annotations

import random
import resource
import time
from pathlib import Path

import pytest
from sqlalchemy import Engine, create_engine, func, select, text

from db.session import reading
from db.tables import rollups
from engine.collector.follower import Follower
from engine.collector.reader import RowReader
from engine.collector.replays import make_replays
from engine.collector.windows import LEAST, MOST, TURN_S, Windows
from engine.records import TOTAL
from engine.settings import Settings, load_settings
from engine.sources import active_source

RATE = 50.0
MOST_MIB = 120


@pytest.fixture
def own(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/own.sqlite3"


@pytest.fixture
def settings(own: str, sqlite_store: Engine, tmp_path: Path) -> Settings:
    return load_settings(
        DATABASE_URL=str(sqlite_store.url),
        CACHESCOPE_DATA_DIR=str(tmp_path),
        SOURCE_URL=own,
        SOURCE_TABLE="access_log",
        SOURCE_MAPPING="timestamp=ts,cache_key=url,load_time_ms=took",
    )


def fill(own: str, count: int, end: float, keyless: int = 0) -> None:
    chance = random.Random(1)
    engine = create_engine(own)
    with engine.begin() as connection:
        connection.execute(
            text("CREATE TABLE access_log (id INTEGER PRIMARY KEY, ts REAL, url TEXT, took REAL)")
        )
        connection.execute(text("CREATE INDEX access_log_ts ON access_log (ts)"))
        connection.execute(
            text("INSERT INTO access_log (ts, url, took) VALUES (:ts, :url, :took)"),
            [
                {
                    "ts": end - (count - number) / RATE,
                    "url": None
                    if number < keyless
                    else f"/{chance.choice('abcdef')}/{chance.randrange(900)}",
                    "took": chance.uniform(1, 90),
                }
                for number in range(count)
            ],
        )
    engine.dispose()


def following(settings: Settings, store: Engine) -> Follower:
    source = active_source(settings, store)
    replays = make_replays(settings, source, store)
    return Follower(source, store, RowReader(source, store), replays)


def test_a_large_table_is_caught_up_far_faster_than_it_grew_in_bounded_memory(
    own: str, settings: Settings, sqlite_store: Engine
) -> None:
    count = 20_000
    fill(own, count, time.time() - 60)
    follower = following(settings, sqlite_store)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    begun, turns, rows = time.monotonic(), [], 0
    while True:
        started = time.monotonic()
        turn = follower.turn(time.time())
        turns.append(time.monotonic() - started)
        rows += turn.rows
        if not turn.is_behind:
            break
    took = time.monotonic() - begun
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    assert count <= rows < 1.3 * count
    assert count / RATE / took > 5  # times real time, with all shadows, however busy the machine
    assert max(turns) < 10 * TURN_S  # a heartbeat is due every 15 s
    assert grown < MOST_MIB
    with reading(sqlite_store) as connection:
        stored = connection.execute(
            select(func.sum(rollups.c.requests)).where(
                rollups.c.policy == "recorded", rollups.c.width == 10, rollups.c.cache_name == TOTAL
            )
        ).scalar_one()
    assert stored == count


def test_batches_grow_while_turns_are_quick_and_shrink_when_they_are_not(
    own: str, settings: Settings, sqlite_store: Engine
) -> None:
    now = 1_700_000_000.0
    fill(own, 30_000, now)
    reader = RowReader(active_source(settings, sqlite_store), sqlite_store)
    windows = Windows(reader, sqlite_store, 1)
    start = int(now - 30_000 / RATE)
    sizes = []
    for seconds in (0.1, 0.1, 0.1, 3.0, 3.0, 3.0, 3.0):
        window, end = windows.upto(start, now, settled=now)
        assert end % 10 == 0
        sizes.append(len(window.requests))
        windows.took(seconds)
    assert sizes[0] <= LEAST < sizes[1] < sizes[2] < sizes[3] <= MOST
    assert sizes[3] > sizes[4] > sizes[5] > sizes[6]


def test_rows_that_cannot_be_read_are_no_latecomers(
    own: str, settings: Settings, sqlite_store: Engine
) -> None:
    now = time.time()
    fill(own, 1000, now - 10, keyless=100)
    follower = following(settings, sqlite_store)
    while follower.turn(now).is_behind:
        pass
    assert follower.reconcile() == 0
    assert follower.reconcile() == 0
