"""What the pages read: small, bounded frames from rollups, samples and records, never raw rows.

Every function takes the store and gives a pandas frame with the same columns and types whether or
not there are rows; `since` and `until` are seconds since the epoch. A page's cost therefore does
not grow with the source: each query is a range of an index with a LIMIT.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd
from sqlalchemy import ColumnElement, Engine, Select, Table, and_, func, or_, select

from db.queries.traffic import SUMS
from db.session import reading
from db.tables import (
    audit,
    cache_metrics,
    events,
    jobs,
    leases,
    queue_samples,
    rollups,
    sources,
    tunables,
)

MAX_ROWS = 20_000
COARSE_S = 300
"""Width of the widest rollups."""
MOST_COUNTED = 100_000
"""Counting raw rows stops here, so that the cost does not grow with the source."""


def read_frame(store: Engine, statement: Select[Any]) -> pd.DataFrame:
    """Run one select and give its rows as a frame; the columns stand even without rows.

    Raises:
        sqlalchemy.exc.SQLAlchemyError: the database cannot be reached or lacks the table.
    """
    with reading(store) as connection:
        result = connection.execute(statement)
        names = list(result.keys())
        return pd.DataFrame([tuple(row) for row in result], columns=names)


def _columns(table: Table, names: Sequence[str]) -> list[ColumnElement[Any]]:
    return [table.c[name] for name in names]


def traffic_frame(
    store: Engine,
    source: int,
    since: float,
    width: int,
    *,
    policies: Sequence[str] = ("recorded",),
    total_only: bool = True,
    endpoint: str = "",
) -> pd.DataFrame:
    """Sums per bucket of `width` seconds: policy, at, cache_name and `SUMS`.

    The totals alone, those of one `endpoint`, or with neither those of every endpoint.
    """
    table = rollups
    statement = (
        select(*_columns(table, ("policy", "at", "cache_name", *SUMS)))
        .where(table.c.source == source, table.c.width == width, table.c.at >= int(since))
        .where(table.c.policy.in_(policies))
        .order_by(table.c.at.desc())
        .limit(MAX_ROWS)
    )
    if endpoint:
        statement = statement.where(table.c.cache_name == endpoint)
    elif total_only:
        statement = statement.where(table.c.cache_name == "*")
    else:
        statement = statement.where(table.c.cache_name != "*")
    return read_frame(store, statement)


def endpoint_histograms_frame(store: Engine, source: int, since: float, width: int) -> pd.DataFrame:
    """Load-time histograms of the recorded requests per endpoint: cache_name, load_histogram.

    Whole stretches of `COARSE_S` come from their own buckets, only the two ends from those of
    `width`: an hour of fifty endpoints stays some four thousand rows and is never cut.
    """
    table = rollups
    first = -(-int(since) // COARSE_S) * COARSE_S
    newest = (
        select(func.max(table.c.at))
        .where(table.c.source == source, table.c.policy == "recorded")
        .where(table.c.width == COARSE_S, table.c.at >= int(since))
        .scalar_subquery()
    )
    # The newest coarse bucket is still filling; where there is none, the fine ones tell it all.
    last = func.coalesce(newest, first)
    fine, coarse = table.c.width == width, table.c.width == COARSE_S
    ends = and_(fine, table.c.at >= int(since), or_(table.c.at < first, table.c.at >= last))
    return read_frame(
        store,
        select(table.c.cache_name, table.c.load_histogram)
        .where(table.c.source == source, table.c.policy == "recorded", table.c.cache_name != "*")
        .where(or_(ends, and_(coarse, table.c.at >= first, table.c.at < last)))
        .limit(MAX_ROWS),
    )


def queue_frame(store: Engine, queue: str, since: float) -> pd.DataFrame:
    """One row a second of a queue's life, oldest first, at most an hour and a bit."""
    return read_frame(
        store,
        select(queue_samples)
        .where(queue_samples.c.queue == queue, queue_samples.c.at >= int(since))
        .order_by(queue_samples.c.at)
        .limit(4_000),
    )


def first_at(store: Engine, source: int, queue: str, since: float) -> float | None:
    """Time of the oldest per-second figure from `since` on: of a source, else of the queue.

    Each is one look-up in a primary key.
    """
    recorded = (
        select(rollups.c.at)
        .where(rollups.c.source == source, rollups.c.policy == "recorded")
        .where(rollups.c.width == 1, rollups.c.at >= int(since))
        .order_by(rollups.c.at)
        .limit(1)
    )
    queued = (
        select(queue_samples.c.at)
        .where(queue_samples.c.queue == queue, queue_samples.c.at >= int(since))
        .order_by(queue_samples.c.at)
        .limit(1)
    )
    with reading(store) as connection:
        found = [connection.execute(one).scalar() for one in (recorded, queued)]
    return next((float(at) for at in found if at is not None), None)


def recorded_seconds(store: Engine, source: int, limit: int = 5_000) -> int:
    """Seconds with recorded requests, in steps of ten; never counts more than `limit` steps."""
    steps = (
        select(rollups.c.at)
        .where(rollups.c.source == source, rollups.c.policy == "recorded")
        .where(rollups.c.width == 10, rollups.c.cache_name == "*")
        .limit(limit)
        .subquery()
    )
    with reading(store) as connection:
        return 10 * int(connection.execute(select(func.count()).select_from(steps)).scalar() or 0)


def events_frame(store: Engine, since: float, limit: int = 200) -> pd.DataFrame:
    """What happened to the system, newest first: at, service, level, kind, message, who told it."""
    names = ("at", "service", "level", "kind", "message", "writer", "sequence")
    return read_frame(
        store,
        select(*_columns(events, names))
        .where(events.c.at >= since)
        .order_by(events.c.at.desc())
        .limit(limit),
    )


def newest_event(store: Engine, writer: str) -> int:
    """The highest stored event number of one engine's life; 0 before the first."""
    highest = select(func.max(events.c.sequence)).where(events.c.writer == writer)
    with reading(store) as connection:
        return int(connection.execute(highest).scalar() or 0)


def jobs_frame(store: Engine, kinds: Sequence[str] | None = None, limit: int = 20) -> pd.DataFrame:
    """The newest jobs, newest first, without what they found: that may be long."""
    names = [column.name for column in jobs.c if column.name != "result"]
    statement = select(*_columns(jobs, names)).order_by(jobs.c.created_at.desc()).limit(limit)
    return read_frame(
        store, statement if kinds is None else statement.where(jobs.c.kind.in_(kinds))
    )


def leases_frame(store: Engine) -> pd.DataFrame:
    """Who holds which work: name, owner, since, until."""
    return read_frame(store, select(leases).order_by(leases.c.name).limit(100))


def tunables_frame(store: Engine) -> pd.DataFrame:
    """Stored tunables: name, value, who, at."""
    return read_frame(store, select(tunables).limit(500))


def sources_frame(store: Engine) -> pd.DataFrame:
    """Every source: id, name, kind, costs, watermark, created_at; newest first."""
    names = ("id", "name", "kind", "costs", "watermark", "created_at")
    return read_frame(
        store, select(*_columns(sources, names)).order_by(sources.c.id.desc()).limit(200)
    )


def audit_frame(store: Engine, limit: int = 100) -> pd.DataFrame:
    """What people asked of the engine, newest first."""
    return read_frame(store, select(audit).order_by(audit.c.at.desc()).limit(limit))


def recorded_sources_frame(store: Engine, limit: int = 20) -> pd.DataFrame:
    """The newest sources with raw rows in our own store: id, name, costs, rows, first, last.

    `rows` is counted along the index and stops at `MOST_COUNTED`; first and last are epoch seconds.
    """
    table = cache_metrics
    known = sources_frame(store).head(limit)
    counted = []
    with reading(store) as connection:
        for row in known.to_dict("records"):
            of = select(table.c.timestamp).where(table.c.source == int(row["id"]))
            some = of.limit(MOST_COUNTED).subquery()
            rows = int(connection.execute(select(func.count()).select_from(some)).scalar() or 0)
            if not rows:
                continue
            ends = [
                connection.execute(of.order_by(order).limit(1)).scalar_one()
                for order in (table.c.timestamp, table.c.timestamp.desc())
            ]
            counted.append((row["id"], row["name"], row["costs"], rows, *ends))
    return pd.DataFrame(counted, columns=["id", "name", "costs", "rows", "first", "last"])


def newest_rows_frame(store: Engine, source: int, limit: int = 500) -> pd.DataFrame:
    """The newest raw rows of one source in our own store: a range of the index, never a scan."""
    table = cache_metrics
    return read_frame(
        store,
        select(table)
        .where(table.c.source == source)
        .order_by(table.c.timestamp.desc())
        .limit(min(limit, 5_000)),
    )
