"""The collector as a process, killed while rows come in."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import IO, Any

import pytest
from sqlalchemy import Engine, create_engine, func, select, text

from db.migrations import migrate
from db.queries import sources
from db.session import open_store, reading
from db.tables import rollups
from db.writes import ensure_source
from engine.settings import ROOT
from tests.engine.collector.rows import expected_saved, raw_rows, write
from tests.engine.stubs.running import until

ACCESS_LOG = (
    "CREATE TABLE access_log (id INTEGER PRIMARY KEY, timestamp REAL, cache_key TEXT, "
    "hit INTEGER, load_time_ms REAL)"
)


def start(
    store: Engine, folder: Path, said: IO[str] | None = None, **environment: str
) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", "engine.collector.service"],
        cwd=ROOT,
        stderr=subprocess.DEVNULL if said is None else said,
        env={
            **os.environ,
            "DATABASE_URL": str(store.url),
            "CACHESCOPE_DATA_DIR": str(folder),
            "CACHESCOPE_LOG_DIR": str(folder),
            **environment,
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
        kills, next_kill = 0, time.time() + 2.0
        while kills < 2 or time.time() < next_kill:
            rows = raw_rows(
                source, 20, time.time(), 200.0, first_sequence=len(written), seed=len(written)
            )
            time.sleep(0.1)
            write(store, rows)
            written += rows
            if kills < 2 and time.time() > next_kill:
                process.send_signal(signal.SIGKILL)
                process.wait()
                process = start(store, tmp_path)
                kills += 1
                next_kill = time.time() + chance.uniform(1.8, 2.5)
        last = written[-1]["timestamp"]
        until(lambda: (sources.watermark(store, source) or 0) >= last + 2, 40.0)
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


def test_a_source_that_is_not_there_is_told_and_waited_for(tmp_path: Path) -> None:
    own = create_engine(f"sqlite:///{tmp_path}/own.sqlite3")
    with own.begin() as connection:
        connection.execute(text("CREATE TABLE other (x INTEGER)"))
    store = open_store(f"sqlite:///{tmp_path}/store.sqlite3")
    migrate(store)
    with (tmp_path / "said").open("w+") as said:
        process = start(store, tmp_path, said, SOURCE_URL=str(own.url), SOURCE_TABLE="access_log")
        try:
            until(lambda: "SOURCE_TABLE" in (tmp_path / "said").read_text(), 30.0)
            time.sleep(1.5)
            assert process.poll() is None
            with own.begin() as connection:
                connection.execute(text(ACCESS_LOG))
                connection.execute(
                    text("INSERT INTO access_log VALUES (1, :at, '/a', 0, 9.0)"),
                    [{"at": time.time() - 20.0}],
                )
            source = ensure_source(store, "own", "table", "measured")
            until(lambda: collected(store, source, 1)[0] == 1, 20.0)
        finally:
            process.kill()
            process.wait()
    text_ = (tmp_path / "said").read_text()
    assert text_.count("SOURCE_TABLE") == 1
    assert "Traceback" not in text_
    store.dispose()
    own.dispose()
