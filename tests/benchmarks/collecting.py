"""Rows a second that the collector sums up, with all replayed policies.

    python -m tests.benchmarks.collecting [--rows 100000] [--rate 1000] [--kinds sqlite mariadb]

A store gets that many rows of the last seconds, `--rate` of them each second, keys drawn by a Zipf
law; then the collector starts and catches up, as after a rest. The alternative, in the same
process: reading the same rows in order of time without looking at them.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from pathlib import Path

import numpy as np
from sqlalchemy import Engine, select

from db import writes
from db.migrations import migrate
from db.session import open_store, reading
from db.tables import cache_metrics
from engine.collector.follower import Follower
from engine.collector.reader import RowReader
from engine.collector.replays import make_replays
from engine.settings import load_settings
from engine.sources import active_source
from tests.conftest import fresh_database

KEYS = 20_000
ENDPOINTS = 20
PIECE = 5_000
SETTLED_S = 30.0
"""Rows younger than this may still come late, and are summed up again: these are older."""


def fill(store: Engine, source: int, count: int, rate: float) -> None:
    """Write the rows."""
    chance = np.random.default_rng(7)
    keys = chance.zipf(1.1, count) % KEYS
    hits = chance.random(count) < 0.6
    took = chance.exponential(30.0, count) + 1.0
    begin = time.time() - SETTLED_S - count / rate
    rows = [
        {
            "timestamp": begin + number / rate,
            "source": source,
            "writer": "benchmark",
            "sequence": number,
            "cache_name": f"/endpoint/{key % ENDPOINTS}",
            "cache_key": f"/endpoint/{key % ENDPOINTS}?id={key}",
            "hit": hit,
            "stale": False,
            "load_time_ms": 0.4 if hit else cost,
            "size_bytes": 500 + 37 * (key % 400),
        }
        for number, (key, hit, cost) in enumerate(
            zip(keys.tolist(), hits.tolist(), took.tolist(), strict=True)
        )
    ]
    for place in range(0, count, PIECE):
        writes.insert(store, cache_metrics, rows[place : place + PIECE])


def read_alone(store: Engine) -> float:
    """Rows a second that are only read."""
    begun, count = time.perf_counter(), 0
    with reading(store) as connection:
        found = connection.execution_options(yield_per=PIECE).execute(
            select(cache_metrics).order_by(cache_metrics.c.timestamp)
        )
        for rows in found.partitions():
            count += len(rows)
    return count / (time.perf_counter() - begun)


def collected(url: str, folder: Path, count: int, rate: float) -> tuple[float, float]:
    """Rows a second that are summed up, and that are only read."""
    settings = load_settings(DATABASE_URL=url, CACHESCOPE_DATA_DIR=str(folder))
    store = open_store(settings.database_url)
    migrate(store)
    source = active_source(settings, store)
    fill(store, source.id, count, rate)
    reader = RowReader(source, store)
    follower = Follower(source, store, reader, make_replays(settings, source, store))
    begun, rows = time.perf_counter(), 0
    while True:
        turn = follower.turn(time.time())
        rows += turn.rows
        if not turn.is_behind:
            break
    took = time.perf_counter() - begun
    if rows != count:
        raise SystemExit(f"{rows} of {count} rows were collected.")
    alone = read_alone(store)
    reader.close()
    store.dispose()
    return rows / took, alone


def main() -> None:
    """Measure each kind of store and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--rate", type=float, default=1_000.0, help="rows a second of their time")
    parser.add_argument("--kinds", nargs="+", default=["sqlite", "mariadb", "postgres"])
    given = parser.parse_args()
    print(f"{'store':10} {'collected/s':>12} {'only read/s':>12} {'ratio':>7}")
    for kind in given.kinds:
        with tempfile.TemporaryDirectory() as folder, fresh_database(kind, Path(folder)) as url:
            summed, alone = collected(
                url.render_as_string(hide_password=False), Path(folder), given.rows, given.rate
            )
        print(f"{kind:10} {summed:12,.0f} {alone:12,.0f} {summed / alone:7.3f}", flush=True)
    print(f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")


if __name__ == "__main__":
    main()
