"""Raw rows for the collector's tests."""

from __future__ import annotations

import random
from typing import Any

from sqlalchemy import Engine

from db import writes
from db.tables import cache_metrics


def raw_rows(
    source: int,
    count: int,
    start: float,
    rate: float = 50.0,
    writer: str = "w",
    first_sequence: int = 0,
    seed: int = 0,
) -> list[dict[str, Any]]:
    chance = random.Random(seed)
    rows = []
    for index in range(count):
        name = chance.choice(["/a", "/b", "/c"])
        hit = chance.random() < 0.6
        rows.append(
            {
                "timestamp": start + index / rate,
                "source": source,
                "writer": writer,
                "sequence": first_sequence + index,
                "cache_name": name,
                "cache_key": f"{name}?{chance.randrange(20)}",
                "hit": hit,
                "stale": hit and chance.random() < 0.1,
                "load_time_ms": 0.5 if hit else chance.uniform(10, 90),
                "size_bytes": chance.randrange(100, 5000),
            }
        )
    return rows


def write(store: Engine, rows: list[dict[str, Any]]) -> None:
    writes.insert(store, cache_metrics, rows)


def expected_saved(rows: list[dict[str, Any]]) -> float:
    """Load time saved, by the definition: last miss cost before the hit - the hit's own time."""
    costs: dict[str, float] = {}
    saved = 0.0
    for row in sorted(rows, key=lambda row: row["timestamp"]):
        if not row["hit"]:
            costs[row["cache_key"]] = row["load_time_ms"]
        elif row["cache_key"] in costs:
            saved += costs[row["cache_key"]] - row["load_time_ms"]
    return saved
