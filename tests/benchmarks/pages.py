"""One refresh of every page's queries, with many recorded requests against few.

    python -m tests.benchmarks.pages [--rows 5000000] [--few 50000] [--rounds 15]

Two SQLite stores hold the same last hour of rollups, samples, predictions, decisions and rewards,
and differ in how many raw rows lie in `cache_metrics`. The rounds alternate between the stores.
"""

from __future__ import annotations

import argparse
import inspect
import os
import sqlite3
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from sqlalchemy import Engine

from db import writes
from db.migrations import migrate
from db.queries import pages, pages_learning, system, traffic
from db.session import open_store
from db.tables import decisions, predictions, queue_samples, rewards, rollups

TARGET = 1.3
ENDPOINTS = ("*", *(f"/endpoint/{number}" for number in range(10)))
END = 1_763_000_000


def fill_raw(path: Path, count: int) -> None:
    """Put `count` raw rows into the file, in one statement."""
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA synchronous=OFF")
    connection.execute(
        """
        WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < :count - 1)
        INSERT INTO cache_metrics (timestamp, source, writer, sequence, cache_name, cache_key, hit,
                                   load_time_ms, size_bytes)
        SELECT :end - (:count - i) / 100.0, 1, 'bench', i, '/endpoint/' || (i % 10),
               '/endpoint/' || (i % 10) || '?page=' || (i % 1000), i % 2, 12.5, 2048 FROM n
        """,
        {"count": count, "end": END},
    )
    connection.commit()
    connection.close()


def fill_derived(store: Engine, seconds: int = 3600) -> None:
    """The last hour as collector, forecaster and agent would have left it."""
    sums: dict[str, Any] = dict.fromkeys(traffic.SUMS, 10)
    sums |= {"load_histogram": "{}", "source": 1, "policy": "recorded"}
    for width in (1, 10, 300):
        span = seconds if width == 1 else seconds * 4
        buckets = [
            sums | {"width": width, "at": at, "cache_name": name}
            for at in range(END - span, END, width)
            for name in ENDPOINTS
        ]
        writes.insert(store, rollups, buckets)
    kinds = ("accepted", "handed_out", "acknowledged", "overwritten", "expired")
    counts: dict[str, Any] = dict.fromkeys(kinds, 2)
    counts |= {"queue": "predictions", "depth_max": 5, "depth_last": 1}
    samples = [counts | {"at": at} for at in range(END - seconds, END)]
    writes.insert(store, queue_samples, samples)
    for at in range(END - seconds, END, 5):
        writes.insert(store, predictions, [_prediction(at, name) for name in ENDPOINTS[1:]])
        writes.insert(store, decisions, [_decision(at, name) for name in ENDPOINTS[1:]])
        writes.insert(store, rewards, [_reward(at, name) for name in ENDPOINTS[1:]])


def refresh(store: Engine) -> float:
    """Seconds that the live queries of all pages take once, for a window of five minutes."""
    since = float(END - 300)
    values: dict[str, Any] = {
        "source": 1, "since": since, "until": float(END), "width": 1, "queue": "predictions",
        "cache_name": "/endpoint/1", "now": float(END), "kinds": None, "writer": "engine",
    }  # fmt: skip
    begun = time.perf_counter()
    for function in page_queries():
        takes = inspect.signature(function).parameters
        function(store, **{name: values[name] for name in takes if name in values})
    system.events(store, since)
    system.tunables(store)
    traffic.endpoints(store, 1, since, END)
    return time.perf_counter() - begun


def page_queries() -> list[Callable[..., Any]]:
    """Every function that the pages' own modules offer."""
    return [
        function
        for module in (pages, pages_learning)
        for name, function in inspect.getmembers(module, inspect.isfunction)
        if function.__module__ == module.__name__
        and not name.startswith("_")
        and list(inspect.signature(function).parameters)[:2] != ["store", "statement"]
        and list(inspect.signature(function).parameters)[:1] == ["store"]
    ]


def compare(folder: Path, many: int, few: int, rounds: int) -> float:
    """Fill both stores, print their medians and return the ratio."""
    stores = {count: open_store(f"sqlite:///{folder}/{count}.sqlite3") for count in (few, many)}
    for count, store in stores.items():
        migrate(store)
        fill_derived(store)
        fill_raw(folder / f"{count}.sqlite3", count)
        refresh(store)
    taken: dict[int, list[float]] = {few: [], many: []}
    for _ in range(rounds):
        for count, store in stores.items():
            taken[count].append(refresh(store))
    medians = {count: statistics.median(times) for count, times in taken.items()}
    for store in stores.values():
        store.dispose()
    ratio = medians[many] / medians[few]
    for count, median in medians.items():
        print(f"{count:>10,} raw rows: one refresh of all pages {median * 1000:7.1f} ms (median)")
    print(f"ratio {ratio:.2f} (target {TARGET})  {'ok' if ratio <= TARGET else 'ABOVE TARGET'}")
    return ratio


def _prediction(at: int, name: str) -> dict[str, Any]:
    numbers = dict.fromkeys(("demand", "demand_low", "demand_high", "load_time_ms"), 10.0)
    row = {"id": f"{at}-{name}", "at": at, "source": 1, "cache_name": name, "interval_s": 5.0}
    horizon = {"demand": [10.0] * 6, "load_time_ms": [10.0] * 6}
    times = {"valid_from": at, "valid_until": at + 5}
    return row | numbers | times | {"horizon": horizon, "forecaster": "last"}


def _decision(at: int, name: str) -> dict[str, Any]:
    return {
        "prediction_id": f"{at}-{name}", "at": at, "source": 1, "agent": "qlearning",
        "cache_name": name, "action": "keep_long", "ttl_seconds": 60.0, "refresh_ahead": False,
        "valid_from": at, "valid_until": at + 5, "published": True, "state": "1,1,1,1",
        "q_values": [0.0, 1.0, 2.0, 3.0], "explored": False, "exploration": 0.1, "reason": "best",
    }  # fmt: skip


def _reward(at: int, name: str) -> dict[str, Any]:
    row = {"prediction_id": f"{at}-{name}", "at": at + 7, "source": 1, "cache_name": name}
    return row | {"action": "keep_long", "valid_from": at, "reward_ms": 5.0, "reward_scaled": 0.5}


def main() -> None:
    """Read the options and measure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=5_000_000, help="raw rows of the large store")
    parser.add_argument("--few", type=int, default=50_000, help="raw rows of the small store")
    parser.add_argument("--rounds", type=int, default=15)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        compare(Path(folder), options.rows, options.few, options.rounds)
    print(f"load average {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")


if __name__ == "__main__":
    main()
