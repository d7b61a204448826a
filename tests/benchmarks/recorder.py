"""Rows a second through the batching writer against one commit a row, on each database.

    python -m tests.benchmarks.recorder [--rounds 5] [--rows 20000] [--kinds sqlite mariadb]

Both write the same rows into the same table of the same store, in turns; the ratio is the median of
the rounds' own ratios, so that a neighbour's load weighs on both sides. The alternative is plain
SQLAlchemy on the same tuned store: one insert and one commit a row. Batched rows are timed from the
first `add` to the `flush` that says they are committed. Time goes on from turn to turn, as it does
for a recorder: rows of the same old seconds again would land in the middle of the time index.
"""

from __future__ import annotations

import argparse
import itertools
import os
import secrets
import statistics
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from sqlalchemy import Engine, insert

from db.batch import BatchWriter
from db.migrations import migrate
from db.session import open_store
from db.tables import cache_metrics
from tests.conftest import fresh_database
from tests.db.rows import metric

TARGET = 20.0


def one_by_one(store: Engine, requests: Iterator[int], seconds: float) -> float:
    """Rows a second when each is committed alone."""
    begun = time.perf_counter()
    count, writer = 0, secrets.token_hex(8)
    while time.perf_counter() - begun < seconds:
        with store.begin() as connection:
            row = metric(next(requests)) | {"writer": writer, "sequence": count}
            connection.execute(insert(cache_metrics), row)
        count += 1
    return count / (time.perf_counter() - begun)


def batched(store: Engine, requests: Iterator[int], count: int) -> float:
    """Rows a second through the batching writer, until all are committed."""
    rows = [metric(number) for number in itertools.islice(requests, count)]
    writer = BatchWriter(store, limit=count)
    begun = time.perf_counter()
    for row in rows:
        writer.add(cache_metrics, row)
    done = writer.flush(120)
    taken = time.perf_counter() - begun
    writer.close()
    if not done:
        raise SystemExit(f"Not every row was committed: {writer.stats}")
    return count / taken


def compare(kind: str, rounds: int, count: int, seconds: float = 1.0) -> float:
    """Measure one kind of database, print its line and return the ratio."""
    with tempfile.TemporaryDirectory() as folder, fresh_database(kind, Path(folder)) as url:
        store = open_store(url)
        migrate(store)
        requests = itertools.count()
        one_by_one(store, requests, 0.2)  # warm: connections, statements, the table's first pages
        batched(store, requests, count)
        turns = [
            (one_by_one(store, requests, seconds), batched(store, requests, count))
            for _ in range(rounds)
        ]
        store.dispose()
    alone, together = (statistics.median(speeds) for speeds in zip(*turns, strict=True))
    ratio = float(statistics.median(batch / single for single, batch in turns))
    verdict = "ok" if ratio >= TARGET else "BELOW TARGET"
    print(
        f"{kind:9} one commit a row {alone:8,.0f} rows/s   batched {together:9,.0f} rows/s   "
        f"ratio {ratio:6.1f} (target {TARGET:.0f})  {verdict}"
    )
    return ratio


def main() -> None:
    """Read the options and measure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--rows", type=int, default=20_000, help="batched rows")
    parser.add_argument("--kinds", nargs="+", default=["sqlite", "mariadb", "postgres"])
    options = parser.parse_args()
    for kind in options.kinds:
        compare(kind, options.rounds, options.rows)
    print(f"load average {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")


if __name__ == "__main__":
    main()
