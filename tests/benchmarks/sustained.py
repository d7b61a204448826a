"""Requests recorded a second for minutes on end, and whether each acknowledged row is there.

    python -m tests.benchmarks.sustained [--minutes 10] [--kinds sqlite mariadb]
        [--ways writer http] [--rate 0]

Two ways into an empty store of its own: the product's batching writer in this process, and
`POST /ingest` of an API process from two clients that send batches of 500. Rows are offered as fast
as they are taken, or `--rate` a second. A row is acknowledged when the writer counts it as
committed, or the API has answered. At the end every acknowledged row is looked for: rows of a
writer are numbered without gaps, so that count and largest number tell what is missing.

The alternative, before and after in the same store: one insert and one commit a row.
"""

from __future__ import annotations

import argparse
import contextlib
import itertools
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import numpy as np
from sqlalchemy import URL, Engine, NullPool, create_engine, func, select, text

from db.batch import BatchWriter
from db.migrations import migrate
from db.session import open_store, reading
from db.tables import cache_metrics
from engine.settings import ROOT
from tests.benchmarks.recorder import one_by_one
from tests.conftest import fresh_database
from tests.db.rows import metric

BATCH = 500
CLIENTS = 2
AHEAD = 20_000
"""Rows that may wait for the writer; far from its limit, beyond which it drops the oldest."""

SLICE_S = 3.0
"""How long the alternative is measured, before and after."""


@dataclass
class Tally:
    """What was acknowledged: rows of each writer, and how long each batch waited for it."""

    rows: dict[str, int] = field(default_factory=dict)
    waits_ms: list[float] = field(default_factory=list)
    ends: list[tuple[float, int]] = field(default_factory=list)

    def note(self, writer: str, rows: int, waited_s: float) -> None:
        """One more batch of a writer was acknowledged."""
        self.rows[writer] = self.rows.get(writer, 0) + rows
        self.waits_ms.append(waited_s * 1000)
        self.ends.append((time.monotonic(), rows))

    def slowest(self, begun: float, seconds: float) -> float:
        """Rows a second in the slowest tenth of the time."""
        ends, counts = np.array(self.ends).T
        tenths = np.histogram(ends - begun, bins=10, range=(0, seconds), weights=counts)[0]
        return float(tenths.min() / (seconds / 10))


class Pace:
    """Lets batches of rows through at a rate; 0: at once."""

    def __init__(self, rate: float) -> None:
        self._rate, self._begun, self._let = rate, time.monotonic(), 0

    def wait(self, rows: int) -> None:
        """Wait until so many more may be offered."""
        self._let += rows
        if self._rate:
            time.sleep(max(0.0, self._begun + self._let / self._rate - time.monotonic()))


def through_writer(store: Engine, seconds: float, rate: float, tally: Tally) -> float:
    """Offer rows to the batching writer, then wait for the last; returns when it began."""
    writer, pace, begun = BatchWriter(store), Pace(rate), time.monotonic()
    waiting: deque[float] = deque()
    offered = told = 0
    while time.monotonic() - begun < seconds or waiting:
        if time.monotonic() - begun < seconds and offered - told < AHEAD:
            pace.wait(BATCH)
            for number in range(offered, offered + BATCH):
                writer.add(cache_metrics, metric(number))
            offered += BATCH
            waiting.append(time.monotonic())
        else:
            time.sleep(0.001)
        while waiting and writer.stats.committed >= told + BATCH:
            tally.note(writer.writer, BATCH, time.monotonic() - waiting.popleft())
            told += BATCH
        if writer.stats.lost:
            raise SystemExit(f"The writer lost rows: {writer.stats}")
    writer.close()
    return begun


def through_http(store: Engine, seconds: float, rate: float, tally: Tally) -> float:
    """Send batches to the `/ingest` of an API process; returns when it began."""
    with tempfile.TemporaryDirectory() as folder, _api(store, Path(folder)) as base:
        begun, lock = time.monotonic(), threading.Lock()

        def send(name: str) -> None:
            pace = Pace(rate / CLIENTS)
            with httpx.Client(base_url=base, timeout=60) as client:
                for sequence in itertools.count(0, BATCH):
                    if time.monotonic() - begun >= seconds:
                        return
                    pace.wait(BATCH)
                    rows = [_sent(number) for number in range(sequence, sequence + BATCH)]
                    since = time.monotonic()
                    asked = {"writer": name, "sequence": sequence, "rows": rows}
                    client.post("/ingest", json=asked).raise_for_status()
                    with lock:
                        tally.note(f"http-{name}", BATCH, time.monotonic() - since)

        with ThreadPoolExecutor(CLIENTS) as pool:
            list(pool.map(send, [f"client{number}" for number in range(CLIENTS)]))
        return begun


WAYS: dict[str, Callable[[Engine, float, float, Tally], float]] = {
    "writer": through_writer,
    "http": through_http,
}
"""Name -> how rows come in."""


def missing(url: URL, tally: Tally) -> int:
    """Acknowledged rows that are not in the store, or there under a number of another."""
    lost = 0
    # Ten minutes of rows are counted for longer than a service waits for any answer.
    patient = create_engine(url, poolclass=NullPool)
    with patient.connect() as connection:
        for writer, rows in tally.rows.items():
            numbers = cache_metrics.c.sequence
            asked = select(func.count(), func.min(numbers), func.max(numbers))
            there, first, last = connection.execute(
                asked.where(cache_metrics.c.writer == writer)
            ).one()
            whole = there == rows and last - first + 1 == rows
            lost += 0 if whole else max(1, rows - there)
    return lost


def measure(kind: str, way: str, minutes: float, rate: float) -> bool:
    """Measure one way into one kind of database and print its line; whether nothing was lost."""
    with tempfile.TemporaryDirectory() as folder, fresh_database(kind, Path(folder)) as url:
        store = open_store(url)
        migrate(store)
        tally, seconds = Tally(), minutes * 60
        requests = itertools.count()
        one_by_one(store, requests, 0.2)  # warm: connections, compiled statements, first pages
        before = one_by_one(store, requests, SLICE_S)
        begun = WAYS[way](store, seconds, rate, tally)
        taken = max(at for at, _ in tally.ends) - begun
        after = one_by_one(store, requests, SLICE_S)
        lost = missing(url, tally)
        size = _bytes(store)
        store.dispose()
    count = sum(tally.rows.values())
    alone = statistics.mean((before, after))
    p50, p99 = np.percentile(tally.waits_ms, [50, 99])
    print(
        f"{kind:9} {way:6} {count / taken:9,.0f} rows/s for {taken / 60:.1f} min "
        f"(slowest tenth {tally.slowest(begun, taken):,.0f})   acknowledged after p50 {p50:,.0f} "
        f"ms, p99 {p99:,.0f} ms   {count:,} acknowledged, {lost} lost, "
        f"{size / count:.0f} bytes each   one commit a row {alone:,.0f} rows/s, "
        f"ratio {count / taken / alone:.1f}",
        flush=True,
    )
    return lost == 0


def _bytes(store: Engine) -> float:
    """What the store's rows take on the disk, indexes included."""
    asked = {
        "sqlite": "SELECT page_count * page_size FROM pragma_page_count(), pragma_page_size()",
        "mysql": "SELECT SUM(data_length + index_length) FROM information_schema.tables "
        "WHERE table_schema = DATABASE()",
        "postgresql": "SELECT pg_database_size(current_database())",
    }[store.dialect.name]
    with reading(store) as connection:
        return float(connection.execute(text(asked)).scalar_one())


@contextlib.contextmanager
def _api(store: Engine, folder: Path) -> Iterator[str]:
    """The address of an API process on this store."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    environment = {
        **os.environ,
        "DATABASE_URL": store.url.render_as_string(hide_password=False),
        "CACHESCOPE_DATA_DIR": str(folder / "data"),
        "CACHESCOPE_LOG_DIR": str(folder / "logs"),
        "CACHESCOPE_SAMPLE": "false",
        "CACHESCOPE_API_RATE": "1000000",
    }
    told = ("engine.api:app", "--port", str(port), "--log-level", "critical")
    server = subprocess.Popen([sys.executable, "-m", "uvicorn", *told], cwd=ROOT, env=environment)
    try:
        base = f"http://127.0.0.1:{port}"
        deadline = time.monotonic() + 90
        while time.monotonic() < deadline:
            with contextlib.suppress(httpx.TransportError):
                httpx.get(f"{base}/health").raise_for_status()
                break
            time.sleep(0.1)
        yield base
    finally:
        server.terminate()
        server.wait(10)


def _sent(number: int) -> dict[str, object]:
    row = metric(number)
    del row["source"]
    return row


def main() -> None:
    """Read the options and measure; exit code 1 where an acknowledged row is missing."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=10.0, help="of each")
    parser.add_argument("--kinds", nargs="+", default=["sqlite", "mariadb"])
    parser.add_argument("--ways", nargs="+", choices=WAYS, default=list(WAYS))
    parser.add_argument("--rate", type=float, default=0.0, help="rows/s offered; 0: all it takes")
    options = parser.parse_args()
    whole = [
        measure(kind, way, options.minutes, options.rate)
        for kind in options.kinds
        for way in options.ways
    ]
    print(f"load average {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")
    if not all(whole):
        raise SystemExit(1)


if __name__ == "__main__":
    main()
