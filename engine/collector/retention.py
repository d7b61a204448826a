"""What is deleted when: raw rows and fine rollups after hours, all else after months."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

from sqlalchemy import Engine, Table, select

from db import tables
from db.retention import GoOn, delete_before, give_back_space
from db.session import reading
from engine.collector.costs import LIMIT
from engine.collector.shelf import SECONDS_KEPT_S

_log = logging.getLogger(__name__)

_RAW = (tables.cache_metrics, tables.cache_refreshes)
_DATED: tuple[tuple[Table, str], ...] = (
    (tables.cache_occupancy, "at"),
    (tables.queue_samples, "at"),
    (tables.predictions, "at"),
    (tables.decisions, "at"),
    (tables.rewards, "at"),
)
_TOLD: tuple[tuple[Table, str], ...] = (
    (tables.events, "at"),
    (tables.audit, "at"),
    (tables.jobs, "created_at"),
    (tables.forecast_scores, "at"),
)

TOLD_KEPT_S = 90 * 86_400.0
"""How long what happened stays: events, audit, jobs, scores and the coarsest rollups."""

SWEEP_S = 3.0
"""The longest that one sweep may take; the next one goes on where it ended."""

_PAGES = 2000


def sweep(
    store: Engine,
    source: int,
    now: float,
    kept_s: float,
    settled: float,
    beat: Callable[[], object] = lambda: None,
    limit_s: float = SWEEP_S,
) -> int:
    """Delete what is older than its time, in slices; returns how many rows went.

    Raw rows go `kept_s` seconds after they happened, but never before they are collected: those
    of `source` up to `settled`, those of each other source up to where its collecting ended. Only
    tables of our own store are touched, never a user's.

    Args:
        store: our own store.
        source: the active source.
        now: epoch seconds.
        kept_s: age in seconds at which raw rows and fine rollups go.
        settled: where collecting of the active source stands.
        beat: called after each slice, as deleting a day's backlog takes long.
        limit_s: seconds after which the sweep ends, whatever is left.
    """
    deadline = time.monotonic() + limit_s

    def go_on() -> bool:
        beat()
        return time.monotonic() < deadline

    old, oldest = now - kept_s, now - max(TOLD_KEPT_S, kept_s)
    gone = 0
    for number, end in _ends(store, source, settled):
        gone += _of_source(store, number, now, kept_s, end, go_on)
    for parts, before in ((_DATED, old), (_TOLD, oldest)):
        for table, column in parts:
            if go_on():
                gone += delete_before(store, table, column, before, go_on=go_on)
    give_back_space(store, _PAGES)
    if gone:
        _log.info("Deleted %d rows past their time.", gone)
    return gone


def _ends(store: Engine, active: int, settled: float) -> list[tuple[int, float]]:
    """Each source and the second up to which it is collected, the active one first."""
    with reading(store) as connection:
        known = connection.execute(select(tables.sources.c.id, tables.sources.c.cursor)).all()
    others = [(int(row.id), row.cursor) for row in known if row.id != active]
    return [(active, settled), *((n, float((c or {}).get("settled") or 0)) for n, c in others)]


def _of_source(
    store: Engine, source: int, now: float, kept_s: float, settled: float, go_on: GoOn
) -> int:
    old = now - kept_s
    parts = [
        *((table, "timestamp", min(old, settled), {}) for table in _RAW),
        (tables.rollups, "at", now - min(SECONDS_KEPT_S, kept_s), {"width": 1}),
        (tables.rollups, "at", old, {"width": 10}),
        (tables.rollups, "at", now - max(TOLD_KEPT_S, kept_s), {"width": 300}),
        (tables.miss_costs, "at", _oldest_cost(store, source), {}),
    ]
    gone = 0
    for table, column, before, equal in parts:
        if not go_on():
            break
        gone += delete_before(store, table, column, before, go_on=go_on, source=source, **equal)
    return gone


def _oldest_cost(store: Engine, source: int) -> float:
    """Only the newest costs are kept, as many as the collector remembers."""
    table = tables.miss_costs
    edge = (
        select(table.c.at)
        .where(table.c.source == source)
        .order_by(table.c.at.desc())
        .offset(LIMIT)
        .limit(1)
    )
    with reading(store) as connection:
        return float(connection.execute(edge).scalar() or 0.0)
