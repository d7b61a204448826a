"""What the collector keeps in the store, and how it finds its place again after any death.

One turn is one transaction: rollups, miss costs and the cursor commit together or not at all.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec
from sqlalchemy import Connection, Engine, select

from db import writes
from db.session import reading, writing
from db.tables import cache_occupancy, cache_refreshes, miss_costs, rollups, sources
from engine.collector.aggregate import Occupancy, Refresh
from engine.collector.costs import LIMIT, Cost, Costs
from engine.collector.shelf import KEPT_S, Shelf
from engine.collector.sums import Sums

RECORDED = "recorded"

Fence = Callable[[Connection], None]
"""Raises when the work that is about to be stored is no longer ours to do."""


class Cursor(msgspec.Struct):
    """Where the collector stands: all seconds before `settled` are final.

    `first` is the time of the oldest row it has seen; an older one that turns up later (a history
    that was imported) makes it start anew from there. From `doubt` on rows may still come late,
    as long as it is earlier than `doubt_until`.
    """

    settled: int | None = None
    first: float | None = None
    expected: dict[str, int] = {}
    doubt: int | None = None
    doubt_until: float = 0.0


def load_cursor(store: Engine, source: int) -> tuple[Cursor, float]:
    """The stored place and watermark of a source."""
    with reading(store) as connection:
        row = connection.execute(
            select(sources.c.cursor, sources.c.watermark).where(sources.c.id == source)
        ).one()
    cursor = msgspec.convert(row.cursor, Cursor) if row.cursor else Cursor()
    return cursor, float(row.watermark or 0.0)


def commit(
    store: Engine,
    source: int,
    rows: Sequence[Mapping[str, Any]],
    costs: Mapping[str, Cost],
    cursor: Cursor,
    watermark: float,
    fence: Fence = lambda _: None,
) -> None:
    """Store one turn's work in one transaction, if the `fence` lets it pass."""
    priced = [
        {
            "source": source,
            "cache_key": key,
            "cache_name": cost.cache_name,
            "cost_ms": cost.cost_ms,
            "size_bytes": cost.size_bytes,
            "at": cost.at,
        }
        for key, cost in costs.items()
    ]
    with writing(store) as connection:
        fence(connection)
        writes.upsert(connection, rollups, rows)
        writes.upsert(connection, miss_costs, priced)
        writes.update_source(
            connection, source, cursor=msgspec.to_builtins(cursor), watermark=watermark
        )


def load_costs(store: Engine, source: int, before: float, limit: int = LIMIT) -> Costs:
    """The stored miss costs, as far as they were known at `before`."""
    table = miss_costs
    query = (
        select(table)
        .where(table.c.source == source, table.c.at < before)
        .order_by(table.c.at.desc())
        .limit(limit)
    )
    costs = Costs(limit)
    with reading(store) as connection:
        rows = connection.execute(query).mappings().all()
    for row in reversed(rows):
        cost = Cost(row["cost_ms"], row["at"], row["cache_name"], row["size_bytes"])
        costs.restore(row["cache_key"], cost)
    return costs


def load_shelf(
    store: Engine,
    source: int,
    settled: int,
    shadows: Sequence[str],
    since: float = math.inf,
) -> Shelf:
    """The recent rollups before the settled second, so that open buckets stay whole.

    Those from `since` on are recent too, since their rows may still come.
    A shadow's endpoints are kept at width 10 and up only, so its open bucket of 10 seconds is
    laid down as if it all fell into the bucket's first second.
    """
    shelf = Shelf()
    table = rollups
    ten = settled // 10 * 10
    oldest = min(settled // 300 * 300 - KEPT_S, since // 300 * 300)
    for policy in (RECORDED, *shadows):
        for width in (1, 10):
            start = min(settled - KEPT_S, since) if width == 1 else oldest
            query = select(table).where(
                table.c.source == source,
                table.c.policy == policy,
                table.c.width == width,
                table.c.at >= start,
                table.c.at < settled,
            )
            if width == 1 and policy != RECORDED:
                continue
            with reading(store) as connection:
                rows = connection.execute(query).mappings().all()
            for row in rows:
                at, name, sums = int(row["at"]), str(row["cache_name"]), Sums.of(row)
                if width == 10 and at == ten:
                    if policy == RECORDED:
                        continue
                    shelf.restore(policy, 1, at, name, sums)
                else:
                    shelf.restore(policy, width, at, name, sums)
    return shelf


def load_refreshes(store: Engine, source: int, start: float, end: float) -> list[Refresh]:
    """Refreshes with start <= timestamp < end."""
    table = cache_refreshes
    query = select(table.c.timestamp, table.c.cache_name, table.c.load_time_ms).where(
        table.c.source == source, table.c.timestamp >= start, table.c.timestamp < end
    )
    with reading(store) as connection:
        return [Refresh(*row) for row in connection.execute(query.order_by(table.c.timestamp))]


def load_occupancy(store: Engine, source: int, start: float, end: float) -> list[Occupancy]:
    """What was held in the seconds from start to end."""
    table = cache_occupancy
    query = select(table.c.at, table.c.cache_name, table.c.byte_seconds).where(
        table.c.source == source, table.c.at >= int(start), table.c.at < end
    )
    with reading(store) as connection:
        return [Occupancy(*row) for row in connection.execute(query.order_by(table.c.at))]
