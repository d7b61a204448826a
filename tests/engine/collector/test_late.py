"""Rows that come late: after long outages, beside rows nobody can read, beside later misses."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import Engine, func, select

from db.session import reading
from db.tables import miss_costs, rollups
from db.writes import ensure_source
from engine.collector.aggregate import Window
from engine.collector.follower import Follower
from engine.collector.reader import RowReader
from engine.records import TOTAL
from engine.sources import Source
from tests.engine.collector.rows import write

T = 1_700_000_100


class Sample:
    """A source in our own store that is written row by row."""

    def __init__(self, store: Engine) -> None:
        self.store = store
        number = ensure_source(store, "sample", "sample", "measured")
        self.source = Source(number, "sample", "sample", "measured", {})
        self.following = self.started()
        self._sequence = 0

    def started(self) -> Follower:
        self.following = Follower(self.source, self.store, RowReader(self.source, self.store))
        return self.following

    def row(
        self, at: float, hit: bool = False, took: float = 1.0, key: str = "k"
    ) -> dict[str, Any]:
        self._sequence += 1
        return {
            "timestamp": at,
            "source": self.source.id,
            "writer": "w",
            "sequence": self._sequence,
            "cache_name": "/a",
            "cache_key": key,
            "hit": hit,
            "load_time_ms": took,
            "size_bytes": 1,
        }

    def add(self, *rows: dict[str, Any]) -> None:
        write(self.store, list(rows))

    def total(self, column: str, width: int = 1, start: float = 0, end: float = 1e12) -> float:
        table = rollups
        query = select(func.sum(table.c[column])).where(
            table.c.width == width,
            table.c.cache_name == TOTAL,
            table.c.at >= start,
            table.c.at < end,
        )
        with reading(self.store) as connection:
            return float(connection.execute(query).scalar() or 0)


@pytest.fixture
def sample(sqlite_store: Engine) -> Sample:
    return Sample(sqlite_store)


@pytest.mark.parametrize("restarts", [False, True])
def test_all_rows_of_an_outage_of_many_minutes_are_found(sample: Sample, restarts: bool) -> None:
    sample.add(*(sample.row(T + i + 0.5) for i in range(60)))
    sample.following.turn(T + 60.0)
    spooled = [sample.row(T + 60 + i + 0.5, key="new") for i in range(1200)]
    # The store is back, and the collector is quicker than the spool.
    sample.following.turn(T + 1260.0)
    sample.following.turn(T + 1261.0)
    if restarts:
        sample.started()
    sample.add(*spooled)
    sample.following.turn(T + 1262.0)
    sample.following.reconcile()
    sample.following.turn(T + 1263.0)
    for later in range(8):
        sample.following.turn(T + 1264.0 + later)
        assert sample.following.reconcile() == 0
    for width in (1, 10, 300):
        assert sample.total("requests", width) == 1260
    assert sample.total("missing") == 0
    with reading(sample.store) as connection:
        newest = connection.execute(select(func.max(miss_costs.c.at))).scalar()
    assert newest == T + 1259.5


def test_a_silence_is_doubted_for_a_while_only(sample: Sample) -> None:
    sample.add(*(sample.row(T + i + 0.5) for i in range(60)))
    sample.following.turn(T + 60.0)
    sample.following.turn(T + 700.0)
    counts: list[tuple[float, float]] = []
    reader = sample.following._reader
    count = reader.count

    def watched(start: int, end: int) -> int:
        counts.append((start, end))
        return count(start, end)

    reader.count = watched  # type: ignore[method-assign]
    sample.following.reconcile()
    assert counts[-1][0] <= T + 60
    sample.add(*(sample.row(T + 1000.5 + 100 * number) for number in range(5)))
    for later in range(0, 440, 40):
        sample.following.turn(T + 1001.0 + later)
    counts.clear()
    sample.following.reconcile()
    # One count of the usual span, where nothing came late.
    assert len(counts) == 1
    assert counts[0][0] > T + 900


def test_a_row_nobody_can_read_is_looked_at_once_and_hides_no_loss(
    sample: Sample, monkeypatch: pytest.MonkeyPatch
) -> None:
    request = RowReader._request

    def refusing(self: RowReader, stamps: Any, row: Any) -> Any:  # noqa: ANN401 - as the original
        found = request(self, stamps, row)
        return None if found is not None and found.cache_key == "bad" else found

    monkeypatch.setattr(RowReader, "_request", refusing)
    rows = [sample.row(T + i + 0.5, key="bad" if i == 3 else "k") for i in range(50)]
    for row in rows[20:]:
        row["sequence"] += 7  # seven rows really lost
    sample.add(*rows)
    for second in range(60):
        sample.following.turn(T + second + 0.9)
        assert sample.following.reconcile() == 0
    assert sample.total("requests") == 49
    assert sample.total("missing") == 8
    read: list[float] = []
    between = sample.following._windows.between

    def watched(start: float, end: float) -> Window:
        read.append(start)
        return between(start, end)

    monkeypatch.setattr(sample.following._windows, "between", watched)
    sample.following.reconcile()
    assert not read


def test_a_late_row_reprices_no_hit_with_what_was_loaded_after_it(sample: Sample) -> None:
    sample.add(
        sample.row(T + 5, took=10.0),
        sample.row(T + 15.5, hit=True, took=0.0),
        sample.row(T + 22, took=200.0),
        sample.row(T + 32, took=300.0),
    )
    for second in range(0, 60, 2):
        sample.following.turn(T + second + 0.9)
    assert sample.total("saved_ms") == 10.0
    sample.add(sample.row(T + 17, key="other"))
    assert sample.following.reconcile() == 1
    sample.following.turn(T + 62.0)
    assert sample.total("saved_ms") == 10.0
    sample.started()
    sample.add(sample.row(T + 15.7, key="third"))
    assert sample.following.reconcile() == 1
    sample.following.turn(T + 63.0)
    assert sample.total("saved_ms") == 10.0
    assert sample.total("requests") == 6


def test_a_late_load_prices_the_hits_behind_it(sample: Sample) -> None:
    sample.add(sample.row(T + 5, key="x"), sample.row(T + 15.5, hit=True, took=1.0))
    for second in range(40):
        sample.following.turn(T + second + 0.9)
    assert sample.total("saved_ms") == 0.0
    sample.add(sample.row(T + 15.1, took=50.0))
    assert sample.following.reconcile() == 1
    sample.add(sample.row(T + 39.5, hit=True, took=1.0))
    for second in range(40, 50):
        sample.following.turn(T + second + 0.9)
    assert sample.total("saved_ms") == 49.0 + 49.0


def test_a_users_table_is_not_asked_for_its_oldest_row_again(
    sample: Sample, monkeypatch: pytest.MonkeyPatch
) -> None:
    sample.add(sample.row(T + 5.0))
    sample.following.turn(T + 20.0)
    sample.add(sample.row(T - 5000.0))
    monkeypatch.setattr(RowReader, "in_store", False)
    assert not sample.following.rewind()
    monkeypatch.setattr(RowReader, "in_store", True)
    assert sample.following.rewind()
