"""Requests as the rollups tell them: totals, endpoints, series; and small looks at raw rows."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Select, func, select

from db.queries.run import LIMIT, Readable, Rows, newest, rows
from db.tables import miss_costs, rollups

TOTAL = "*"
RECORDED = "recorded"

SUMS = (
    "requests",
    "hits",
    "stale_hits",
    "load_time_ms",
    "miss_load_time_ms",
    "saved_ms",
    "refreshes",
    "refresh_ms",
    "bytes_requested",
    "byte_seconds",
    "missing",
)
"""The columns of a rollup that add up."""


def width_for(seconds: float) -> int:
    """The bucket width (seconds) that shows a window of `seconds` in at most about 1500 points."""
    if seconds <= 1500:
        return 1
    return 10 if seconds <= 15_000 else 300


def totals(
    store: Readable,
    source: int,
    since: float,
    until: float,
    policy: str = RECORDED,
    width: int | None = None,
    limit: int = LIMIT,
) -> Rows:
    """Buckets of the whole source that start in [since, until), oldest first."""
    return newest(store, _totals(source, since, until, policy, width, limit))


def endpoints(
    store: Readable,
    source: int,
    since: float,
    until: float,
    policy: str = RECORDED,
    width: int | None = None,
    limit: int = 200,
) -> Rows:
    """Sums per endpoint over [since, until), the longest load time first."""
    return rows(store, _endpoints(source, since, until, policy, width, limit))


def series(
    store: Readable,
    source: int,
    after: float,
    width: int = 1,
    policy: str = RECORDED,
    until: float | None = None,
    limit: int = 100_000,
) -> Rows:
    """Buckets of every endpoint and the total with `at` > `after` (and < `until`), in time order.

    When `limit` cuts, the last second may be incomplete: ask again from the one before it.
    """
    window = _of(source, policy, width)
    wanted = select(rollups).where(*window, rollups.c.at > after)
    if until is not None:
        wanted = wanted.where(rollups.c.at < until)
    return rows(store, wanted.order_by(rollups.c.at, rollups.c.cache_name).limit(limit))


def keys_loaded(store: Readable, source: int, since: float, limit: int = 1000) -> dict[str, int]:
    """Endpoint -> distinct keys whose last load was after `since` (of those remembered)."""
    known = miss_costs
    wanted = (
        select(known.c.cache_name, func.count().label("keys"))
        .where(known.c.source == source, known.c.at >= since)
        .group_by(known.c.cache_name)
        .order_by(func.count().desc())
        .limit(limit)
    )
    return {row["cache_name"]: int(row["keys"]) for row in rows(store, wanted)}


def _of(source: int, policy: str, width: int) -> tuple[Any, ...]:
    return rollups.c.source == source, rollups.c.policy == policy, rollups.c.width == width


def _window(
    source: int, since: float, until: float, policy: str, width: int | None
) -> tuple[Any, ...]:
    chosen = width_for(until - since) if width is None else width
    return *_of(source, policy, chosen), rollups.c.at >= since, rollups.c.at < until


def _totals(
    source: int,
    since: float,
    until: float,
    policy: str,
    width: int | None,
    limit: int,
) -> Select[Any]:
    window = _window(source, since, until, policy, width)
    wanted = select(rollups).where(*window, rollups.c.cache_name == TOTAL)
    return wanted.order_by(rollups.c.at.desc()).limit(limit)


def _endpoints(
    source: int, since: float, until: float, policy: str, width: int | None, limit: int
) -> Select[Any]:
    window = _window(source, since, until, policy, width)
    load_time = func.sum(rollups.c.load_time_ms)
    return (
        select(rollups.c.cache_name, *(func.sum(rollups.c[name]).label(name) for name in SUMS))
        .where(*window, rollups.c.cache_name != TOTAL)
        .group_by(rollups.c.cache_name)
        .order_by(load_time.desc())
        .limit(limit)
    )
