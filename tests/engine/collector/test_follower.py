"""The collector's sums against the raw rows they are made of."""

from __future__ import annotations

import random

import pytest
from sqlalchemy import Engine, func, select
from sqlalchemy.exc import OperationalError

from db.queries.traffic import SUMS
from db.session import reading
from db.tables import rollups
from db.writes import ensure_source
from engine.collector import persist
from engine.collector.follower import LAG_S, Follower
from engine.collector.reader import RowReader
from engine.collector.sums import Sums
from engine.records import TOTAL
from engine.sources import Source
from tests.engine.collector.rows import expected_saved, raw_rows, write

START = 1_700_000_000.0


def sample(store: Engine) -> Source:
    number = ensure_source(store, "sample", "sample", "measured")
    return Source(number, "sample", "sample", "measured", {})


@pytest.fixture
def source(sqlite_store: Engine) -> Source:
    return sample(sqlite_store)


def follower(source: Source, store: Engine) -> Follower:
    return Follower(source, store, RowReader(source, store))


def catch_up(following: Follower, now: float) -> int:
    """Turn until nothing is left to collect; returns how many rows were read."""
    rows = 0
    while True:
        turn = following.turn(now)
        rows += turn.rows
        if not turn.is_behind:
            return rows


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


def test_rollups_of_every_width_sum_up_to_the_raw_rows(store: Engine) -> None:
    source = sample(store)
    rows = raw_rows(source.id, 3000, START)
    write(store, rows)
    now = START
    following = follower(source, store)
    while now < START + 80:
        now += 1.0
        following.turn(now)
    for width in (1, 10, 300):
        requests, hits, load_time_ms, saved_ms, missing = sums(store, width)
        assert requests == 3000
        assert hits == sum(row["hit"] for row in rows)
        assert load_time_ms == pytest.approx(sum(row["load_time_ms"] for row in rows))
        assert saved_ms == pytest.approx(expected_saved(rows))
        assert missing == 0
        assert sums(store, width, "each")[:2] == (requests, hits)


def test_rows_that_commit_late_and_out_of_order_count_once(
    sqlite_store: Engine, source: Source
) -> None:
    rows = raw_rows(source.id, 2000, START)
    chance = random.Random(3)
    pending = [(row["timestamp"] + chance.uniform(0, LAG_S - 1.5), row) for row in rows]
    following = follower(source, sqlite_store)
    now = START
    while now < START + 60:
        now += 1.0
        write(sqlite_store, [row for due, row in pending if due < now])
        pending = [(due, row) for due, row in pending if due >= now]
        following.turn(now)
    requests, hits, _, saved_ms, missing = sums(sqlite_store, 1)
    assert (requests, hits) == (2000, sum(row["hit"] for row in rows))
    assert saved_ms == pytest.approx(expected_saved(rows))
    assert missing == 0


def test_a_collector_that_restarts_every_few_seconds_has_the_same_sums(
    sqlite_store: Engine, source: Source
) -> None:
    rows = raw_rows(source.id, 4000, START)
    write(sqlite_store, rows)
    following = follower(source, sqlite_store)
    for second in range(100):
        if second % 7 == 0:
            following = follower(source, sqlite_store)
        following.turn(START + second)
    for width in (1, 10, 300):
        requests, hits, _, saved_ms, missing = sums(sqlite_store, width)
        assert (requests, hits, missing) == (4000, sum(row["hit"] for row in rows), 0)
        assert saved_ms == pytest.approx(expected_saved(rows))


def test_rows_of_an_outage_that_arrive_a_minute_late_are_found(
    sqlite_store: Engine, source: Source
) -> None:
    rows = raw_rows(source.id, 6000, START)
    early = [row for row in rows if not START + 20 <= row["timestamp"] < START + 60]
    write(sqlite_store, early)
    following = follower(source, sqlite_store)
    catch_up(following, START + 120)
    assert sums(sqlite_store, 1)[0] == len(early)
    assert sums(sqlite_store, 1)[4] == 2000
    write(sqlite_store, rows)
    assert following.reconcile() == 2000
    following.turn(START + 121)
    for width in (1, 10):
        assert sums(sqlite_store, width)[0] == 6000
    assert sums(sqlite_store, 1)[4] == 0


def test_rows_that_never_came_are_counted_as_missing(sqlite_store: Engine, source: Source) -> None:
    rows = raw_rows(source.id, 1000, START)
    write(sqlite_store, [row for row in rows if row["sequence"] not in {100, 101, 500}])
    following = follower(source, sqlite_store)
    for second in range(40):
        following.turn(START + second)
    assert sums(sqlite_store, 1)[0] == 997
    assert sums(sqlite_store, 1)[4] == 3


def test_a_history_imported_later_is_collected_too(sqlite_store: Engine, source: Source) -> None:
    write(sqlite_store, raw_rows(source.id, 500, START))
    following = follower(source, sqlite_store)
    following.turn(START + 60)
    write(sqlite_store, raw_rows(source.id, 700, START - 5000, writer="import"))
    assert following.rewind()
    following.turn(START + 61)
    assert sums(sqlite_store, 10)[0] == 1200
    assert not following.rewind()


def test_turns_that_fail_at_the_commit_lose_and_double_nothing(
    sqlite_store: Engine, source: Source, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = raw_rows(source.id, 3000, START)
    write(sqlite_store, rows)
    chance = random.Random(5)
    commit = persist.commit

    def failing(*arguments: object, **named: object) -> None:
        if chance.random() < 0.5:
            raise OperationalError("COMMIT", {}, Exception("server closed the connection"))
        commit(*arguments, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(persist, "commit", failing)
    following = follower(source, sqlite_store)
    failed = 0
    for second in range(90):
        try:
            following.turn(START + second)
        except OperationalError:
            failed += 1
    monkeypatch.undo()
    following.turn(START + 91)
    assert failed > 20
    for width in (1, 10):
        requests, hits, _, saved_ms, missing = sums(sqlite_store, width)
        assert (requests, hits, missing) == (3000, sum(row["hit"] for row in rows), 0)
        assert saved_ms == pytest.approx(expected_saved(rows))


def test_what_retention_would_delete_at_once_is_left_out(
    sqlite_store: Engine, source: Source
) -> None:
    write(sqlite_store, raw_rows(source.id, 3000, START, rate=1.0))
    reader = RowReader(source, sqlite_store)
    following = Follower(source, sqlite_store, reader, history_s=600.0)
    assert catch_up(following, START + 3100) <= 601 + 10
    assert sums(sqlite_store, 10)[0] == pytest.approx(600, abs=10)
    write(sqlite_store, raw_rows(source.id, 50, START - 5000, writer="import"))
    assert not following.rewind()


def test_figures_add_up_in_every_column() -> None:
    ones = Sums()
    ones.request(True, True, 2.0, 7, 3.0)
    for name in SUMS:
        setattr(ones, name, 1)
    twice = ones.copy()
    twice.merge(ones)
    assert [getattr(twice, name) for name in SUMS] == [2] * len(SUMS)
    assert twice.histogram.total == 2
