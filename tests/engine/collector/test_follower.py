"""The collector's sums against the raw rows they are made of."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from sqlalchemy import Engine, func, select

from db.migrations import migrate
from db.session import open_store, reading
from db.tables import rollups
from db.writes import ensure_source
from engine.collector.follower import LAG_S, Follower
from engine.collector.reader import RowReader
from engine.records import TOTAL
from engine.sources import Source
from tests.engine.collector.rows import expected_saved, raw_rows, write

START = 1_700_000_000.0


@pytest.fixture
def store(tmp_path: Path) -> Engine:
    store = open_store(f"sqlite:///{tmp_path}/store.sqlite3")
    migrate(store)
    return store


@pytest.fixture
def source(store: Engine) -> Source:
    number = ensure_source(store, "sample", "sample", "measured")
    return Source(number, "sample", "sample", "measured", {})


def follower(source: Source, store: Engine) -> Follower:
    return Follower(source, store, RowReader(source, store))


def sums(store: Engine, width: int, name: str = TOTAL) -> tuple[int, int, float, float, int]:
    table = rollups
    query = select(
        func.sum(table.c.requests),
        func.sum(table.c.hits),
        func.sum(table.c.load_time_ms),
        func.sum(table.c.saved_ms),
        func.sum(table.c.missing),
    ).where(
        table.c.width == width,
        table.c.cache_name == name if name == TOTAL else table.c.cache_name != TOTAL,
    )
    with reading(store) as connection:
        row = connection.execute(query).one()
    return int(row[0]), int(row[1]), float(row[2]), float(row[3]), int(row[4])


@pytest.mark.parametrize("width", [1, 10, 300])
def test_rollups_of_every_width_sum_up_to_the_raw_rows(
    store: Engine, source: Source, width: int
) -> None:
    rows = raw_rows(source.id, 3000, START)
    write(store, rows)
    now = START
    following = follower(source, store)
    while now < START + 80:
        now += 1.0
        following.turn(now)
    requests, hits, load_time_ms, saved_ms, missing = sums(store, width)
    assert requests == 3000
    assert hits == sum(row["hit"] for row in rows)
    assert load_time_ms == pytest.approx(sum(row["load_time_ms"] for row in rows))
    assert saved_ms == pytest.approx(expected_saved(rows))
    assert missing == 0
    assert sums(store, width, "each")[:2] == (requests, hits)


def test_rows_that_commit_late_and_out_of_order_count_once(store: Engine, source: Source) -> None:
    rows = raw_rows(source.id, 2000, START)
    chance = random.Random(3)
    pending = [(row["timestamp"] + chance.uniform(0, LAG_S - 1.5), row) for row in rows]
    following = follower(source, store)
    now = START
    while now < START + 60:
        now += 1.0
        write(store, [row for due, row in pending if due < now])
        pending = [(due, row) for due, row in pending if due >= now]
        following.turn(now)
    requests, hits, _, saved_ms, missing = sums(store, 1)
    assert (requests, hits) == (2000, sum(row["hit"] for row in rows))
    assert saved_ms == pytest.approx(expected_saved(rows))
    assert missing == 0


def test_a_collector_that_restarts_every_few_seconds_has_the_same_sums(
    store: Engine, source: Source
) -> None:
    rows = raw_rows(source.id, 4000, START)
    write(store, rows)
    following = follower(source, store)
    for second in range(100):
        if second % 7 == 0:
            following = follower(source, store)
        following.turn(START + second)
    for width in (1, 10, 300):
        requests, hits, _, saved_ms, missing = sums(store, width)
        assert (requests, hits, missing) == (4000, sum(row["hit"] for row in rows), 0)
        assert saved_ms == pytest.approx(expected_saved(rows))


def test_rows_of_an_outage_that_arrive_a_minute_late_are_found(
    store: Engine, source: Source
) -> None:
    rows = raw_rows(source.id, 6000, START)
    early = [row for row in rows if not START + 20 <= row["timestamp"] < START + 60]
    write(store, early)
    following = follower(source, store)
    following.turn(START + 120)
    assert sums(store, 1)[0] == len(early)
    assert sums(store, 1)[4] == 2000
    write(store, rows)
    assert following.reconcile() == 2000
    following.turn(START + 121)
    for width in (1, 10):
        assert sums(store, width)[0] == 6000
    assert sums(store, 1)[4] == 0


def test_rows_that_never_came_are_counted_as_missing(store: Engine, source: Source) -> None:
    rows = raw_rows(source.id, 1000, START)
    write(store, [row for row in rows if row["sequence"] not in {100, 101, 500}])
    following = follower(source, store)
    for second in range(40):
        following.turn(START + second)
    assert sums(store, 1)[0] == 997
    assert sums(store, 1)[4] == 3


def test_a_history_imported_later_is_collected_too(store: Engine, source: Source) -> None:
    write(store, raw_rows(source.id, 500, START))
    following = follower(source, store)
    following.turn(START + 60)
    write(store, raw_rows(source.id, 700, START - 5000, writer="import"))
    assert following.rewind()
    following.turn(START + 61)
    assert sums(store, 10)[0] == 1200
    assert not following.rewind()
