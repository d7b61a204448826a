"""What is deleted when: raw rows and fine rollups age, coarse rollups stay."""

from __future__ import annotations

import logging

from sqlalchemy import Engine, Table, select

from db import tables
from db.session import reading
from db.writes import delete_before
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


def sweep(store: Engine, source: int, now: float, kept_s: float, settled: float) -> int:
    """Delete what is older than its time, in slices; returns how many rows went.

    Raw rows go `kept_s` seconds after they happened, but never before they are collected. Only
    tables of our own store are touched, never a user's.
    """
    old = now - kept_s
    gone = sum(
        delete_before(store, table, "timestamp", min(old, settled), source=source) for table in _RAW
    )
    gone += _rollups(store, source, 1, now - min(SECONDS_KEPT_S, kept_s))
    gone += _rollups(store, source, 10, old)
    for table, column in _DATED:
        equal = {"source": source} if "source" in table.c else {}
        gone += delete_before(store, table, column, old, **equal)
    gone += _costs(store, source)
    if gone:
        _log.info("Deleted %d rows past their time.", gone)
    return gone


def _rollups(store: Engine, source: int, width: int, before: float) -> int:
    return delete_before(store, tables.rollups, "at", before, width=width, source=source)


def _costs(store: Engine, source: int) -> int:
    """Keep the newest costs, as many as the collector remembers."""
    table = tables.miss_costs
    edge = (
        select(table.c.at)
        .where(table.c.source == source)
        .order_by(table.c.at.desc())
        .offset(LIMIT)
        .limit(1)
    )
    with reading(store) as connection:
        at = connection.execute(edge).scalar()
    return 0 if at is None else delete_before(store, table, "at", float(at), source=source)
