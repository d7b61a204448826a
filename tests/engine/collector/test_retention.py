"""What is deleted when, and what never."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import Engine, Table, func, select

from db import tables, writes
from db.session import reading
from engine.collector import retention
from engine.collector.shelf import SECONDS_KEPT_S
from engine.collector.sums import Sums
from tests.engine.collector.rows import raw_rows, write

NOW = 1_700_000_000.0
KEPT_S = 86_400.0


def count(store: Engine, table: Table, *where: Any) -> int:  # noqa: ANN401 - a condition
    with reading(store) as connection:
        query = select(func.count()).select_from(table).where(*where)
        return int(connection.execute(query).scalar_one())


def rollup(width: int, at: float, source: int = 1) -> dict[str, Any]:
    return Sums().row(source, "recorded", width, int(at), "*")


def test_raw_rows_go_at_their_age_but_never_before_they_are_collected(store: Engine) -> None:
    old, young = NOW - KEPT_S - 500, NOW - 100
    write(store, raw_rows(1, 100, old, writer="old") + raw_rows(1, 100, young, writer="young"))
    retention.sweep(store, 1, NOW, KEPT_S, settled=old - 10)
    assert count(store, tables.cache_metrics) == 200
    retention.sweep(store, 1, NOW, KEPT_S, settled=NOW - 5)
    assert count(store, tables.cache_metrics, tables.cache_metrics.c.writer == "old") == 0
    assert count(store, tables.cache_metrics, tables.cache_metrics.c.writer == "young") == 100


def test_another_sources_rows_stay(store: Engine) -> None:
    write(store, raw_rows(2, 50, NOW - 10 * KEPT_S))
    writes.upsert(store, tables.rollups, [rollup(1, NOW - 10 * KEPT_S, source=2)])
    retention.sweep(store, 1, NOW, KEPT_S, settled=NOW)
    assert count(store, tables.cache_metrics) == 50
    assert count(store, tables.rollups) == 1


def test_fine_rollups_go_first_and_the_coarsest_stay(store: Engine) -> None:
    times = (NOW - 60, NOW - SECONDS_KEPT_S - 60, NOW - KEPT_S - 600)
    writes.upsert(
        store, tables.rollups, [rollup(w, at // w * w) for w in (1, 10, 300) for at in times]
    )
    assert retention.sweep(store, 1, NOW, KEPT_S, settled=NOW) == 3
    left = {
        width: count(store, tables.rollups, tables.rollups.c.width == width)
        for width in (1, 10, 300)
    }
    assert left == {1: 1, 10: 2, 300: 3}


def test_as_many_miss_costs_stay_as_the_collector_remembers(
    store: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retention, "LIMIT", 20)
    costs = [
        {
            "source": 1,
            "cache_key": f"/{number}",
            "cache_name": "/",
            "cost_ms": 1.0,
            "size_bytes": 1,
            "at": NOW - number,
        }
        for number in range(50)
    ]
    writes.upsert(store, tables.miss_costs, costs)
    retention.sweep(store, 1, NOW, KEPT_S, settled=NOW)
    with reading(store) as connection:
        kept = set(connection.execute(select(tables.miss_costs.c.at)).scalars())
    assert {NOW - number for number in range(20)} <= kept
    assert len(kept) <= 21


def test_a_second_sweep_finds_nothing_to_do(store: Engine) -> None:
    write(store, raw_rows(1, 100, NOW - 2 * KEPT_S))
    assert retention.sweep(store, 1, NOW, KEPT_S, settled=NOW) == 100
    assert retention.sweep(store, 1, NOW, KEPT_S, settled=NOW) == 0
