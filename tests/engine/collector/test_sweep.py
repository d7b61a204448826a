"""Sweeping for months: every table that grows, every source, in bounded time, with heartbeats."""

from __future__ import annotations

import time

from sqlalchemy import Engine, Table, func, select, text

from db import tables, writes
from db.session import reading
from engine.collector.retention import TOLD_KEPT_S, sweep
from engine.collector.sums import Sums
from tests.engine.collector.rows import raw_rows, write

NOW = 1_700_000_000.0
KEPT_S = 86_400.0
OLD, YOUNG = NOW - TOLD_KEPT_S - 3600, NOW - TOLD_KEPT_S + 3600


def count(store: Engine, table: Table) -> int:
    with reading(store) as connection:
        return int(connection.execute(select(func.count()).select_from(table)).scalar_one())


def test_what_is_told_goes_after_months(store: Engine) -> None:
    number = writes.ensure_source(store, "sample", "sample", "measured")
    for sequence, at in enumerate((OLD, YOUNG)):
        writes.add_audit(store, "test", "set", {}, "done", at)
        job = writes.create_job(store, "retrain", {}, "test")
        writes.update_job(store, job, created_at=at)
        event = {"at": at, "writer": "w", "sequence": sequence, "service": "api"}
        writes.insert(
            store, tables.events, [{**event, "level": "info", "kind": "start", "message": "up"}]
        )
        score = {"at": at, "source": number, "forecaster": "last", "cache_name": "*", "origins": 1}
        score |= {"demand_mae": 1.0, "demand_mase": 1.0, "chosen": False}
        writes.insert(store, tables.forecast_scores, [score])
        coarse = Sums().row(number, "recorded", 300, int(at), "*")
        writes.upsert(store, tables.rollups, [coarse])
    told = (tables.audit, tables.jobs, tables.events, tables.forecast_scores, tables.rollups)
    assert [count(store, table) for table in told] == [2] * 5
    assert sweep(store, number, NOW, KEPT_S, NOW) == 5
    assert [count(store, table) for table in told] == [1] * 5


def test_every_source_is_swept_up_to_where_it_was_collected(sqlite_store: Engine) -> None:
    active, left, fresh = (
        writes.ensure_source(sqlite_store, name, "table", "measured")
        for name in ("own", "sample", "seeded")
    )
    begun = NOW - 3 * KEPT_S
    writes.update_source(sqlite_store, left, cursor={"settled": int(begun) + 1})
    write(sqlite_store, raw_rows(left, 100, begun, writer="left"))
    write(sqlite_store, raw_rows(fresh, 40, begun, writer="fresh"))
    tens = [Sums().row(one, "recorded", 10, int(begun), "*") for one in (left, fresh)]
    writes.upsert(sqlite_store, tables.rollups, tens)
    sweep(sqlite_store, active, NOW, KEPT_S, NOW)
    assert count(sqlite_store, tables.rollups) == 0
    # Of the source that was left, the rows of its first second; of the other none was collected.
    assert count(sqlite_store, tables.cache_metrics) == 50 + 40


def test_a_sweep_beats_after_each_slice_and_ends_in_time(sqlite_store: Engine) -> None:
    number = writes.ensure_source(sqlite_store, "sample", "sample", "measured")
    write(sqlite_store, raw_rows(number, 12_000, NOW - 2 * KEPT_S))
    beats: list[float] = []
    gone = sweep(sqlite_store, number, NOW, KEPT_S, NOW, lambda: beats.append(0), limit_s=0.0)
    assert gone == 0
    begun = time.monotonic()
    assert sweep(sqlite_store, number, NOW, KEPT_S, NOW, lambda: beats.append(0)) >= 5000
    assert time.monotonic() - begun < 15
    assert len(beats) > 10
    while count(sqlite_store, tables.cache_metrics):
        sweep(sqlite_store, number, NOW, KEPT_S, NOW)
        assert time.monotonic() - begun < 30


def test_a_sqlite_file_gets_smaller_when_rows_go(sqlite_store: Engine) -> None:
    number = writes.ensure_source(sqlite_store, "sample", "sample", "measured")
    write(sqlite_store, raw_rows(number, 6000, NOW - 2 * KEPT_S))

    def pages(what: str) -> int:
        with reading(sqlite_store) as connection:
            return int(connection.execute(text(f"PRAGMA {what}")).scalar_one())

    before = pages("page_count")
    sweep(sqlite_store, number, NOW, KEPT_S, NOW)
    assert pages("page_count") < before / 2
    assert pages("freelist_count") == 0
