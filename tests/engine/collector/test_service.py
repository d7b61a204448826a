"""The collector as a process, killed while rows come in."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, func, select

from db.migrations import migrate
from db.queries import sources
from db.session import open_store, reading
from db.tables import rollups
from db.writes import ensure_source
from engine.settings import ROOT
from tests.engine.collector.rows import expected_saved, raw_rows, write


def start(store: Engine, folder: Path) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", "engine.collector.service"],
        cwd=ROOT,
        stderr=subprocess.DEVNULL,
        env={
            **os.environ,
            "DATABASE_URL": str(store.url),
            "CACHESCOPE_DATA_DIR": str(folder),
            "CACHESCOPE_LOG_DIR": str(folder),
        },
    )


def collected(store: Engine, source: int, width: int) -> tuple[int, int, float]:
    table = rollups
    query = select(
        func.sum(table.c.requests), func.sum(table.c.hits), func.sum(table.c.saved_ms)
    ).where(
        table.c.source == source,
        table.c.width == width,
        table.c.policy == "recorded",
        table.c.cache_name == "*",
    )
    with reading(store) as connection:
        row = connection.execute(query).one()
    return int(row[0] or 0), int(row[1] or 0), float(row[2] or 0)


@pytest.mark.timeout(90)
def test_a_collector_killed_at_any_moment_loses_and_doubles_no_row(tmp_path: Path) -> None:
    store = open_store(f"sqlite:///{tmp_path}/store.sqlite3")
    migrate(store)
    source = ensure_source(store, "sample", "sample", "measured")
    chance = random.Random(1)
    written: list[dict[str, Any]] = []
    process = start(store, tmp_path)
    try:
        begun, kills = time.time(), 0
        next_kill = begun + 3.0
        while time.time() < begun + 14:
            rows = raw_rows(
                source, 20, time.time(), 200.0, first_sequence=len(written), seed=len(written)
            )
            time.sleep(0.1)
            write(store, rows)
            written += rows
            if time.time() > next_kill:
                process.send_signal(signal.SIGKILL)
                process.wait()
                process = start(store, tmp_path)
                kills += 1
                next_kill = time.time() + chance.uniform(2.5, 4.0)
        last = written[-1]["timestamp"]
        until = time.time() + 20
        while (sources.watermark(store, source) or 0) < last + 2 and time.time() < until:
            time.sleep(0.2)
        assert kills >= 2
        hits = sum(row["hit"] for row in written)
        for width in (1, 10):
            assert collected(store, source, width)[:2] == (len(written), hits)
            assert collected(store, source, width)[2] == pytest.approx(expected_saved(written))
        process.terminate()
        assert process.wait(5) == 0
    finally:
        process.kill()
        process.wait()
        store.dispose()
