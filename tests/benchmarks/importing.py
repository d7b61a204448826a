"""Importing recorded requests, against pandas; following a log; ten million rows from databases.

    python -m tests.benchmarks.importing [--rows 300000] [--rounds 3] [--only files follow ...]
        [--database-rows 200000] [--kinds sqlite mariadb postgres]

Files: a CSV and an access log of the same requests become traces, in turns with pandas doing what
people write first: `read_csv` (of a log: with blanks between columns, then its times and addresses
taken apart) and `to_sql` into SQLite in chunks. Ratios are medians of the rounds' own ratios, of
processor time, so that neighbours weigh on neither side.
Following: lines of a log that is there until its rows are committed in SQLite.
Databases: rows of our table become a trace in a process of its own, whose peak memory is told
beside that of half as many rows; `--database-rows 10000000` is the slow, full form.
"""

from __future__ import annotations

import argparse
import json
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pandas as pd
from sqlalchemy import Insert, create_engine, select

from db import writes
from db.migrations import migrate
from db.session import open_store
from db.tables import cache_metrics
from engine.settings import ROOT, load_settings
from tests.conftest import fresh_database

FILE_TARGET, FILE_GOAL, FOLLOW_TARGET = 5.0, 200_000, 50_000
CHUNK = 50_000
MULTIPLIED = 20 * CHUNK
"""Rows that one statement multiplies at most."""


def requests(rows: int) -> pd.DataFrame:
    """Made-up requests: Zipf keys over 50,000 addresses, lognormal load times."""
    draws = np.random.default_rng(1)
    keys = draws.zipf(1.2, rows) % 50_000
    return pd.DataFrame({
        "timestamp": 1_700_000_000 + np.arange(rows) // 100,
        "url": [f"/items/{key}?page={key % 7}" for key in keys],
        "load_time_ms": np.round(draws.lognormal(3, 1, rows), 3),
        "size_bytes": 200 + keys % 5_000,
        "hit": draws.random(rows) < 0.4,
        "region": np.array(["dk", "se", "no"])[keys % 3],
    })  # fmt: skip


def write_log(frame: pd.DataFrame, path: Path) -> None:
    """The same requests as nginx's combined form with a request time."""
    with path.open("w") as file:
        for at, url, load, size in frame.iloc[:, :4].itertuples(index=False, name=None):
            told = datetime.fromtimestamp(at, UTC).strftime("%d/%b/%Y:%H:%M:%S +0000")
            file.write(
                f'10.0.0.1 - - [{told}] "GET {url} HTTP/1.1" 200 {size} "-" "curl/8" '
                f"{load / 1000:.3f}\n"
            )


def processor_seconds(what: Callable[[], object]) -> float:
    """Processor time of this process for one call, its threads included."""
    begun = time.process_time()
    what()
    return time.process_time() - begun


def with_pandas(path: Path, folder: Path) -> None:
    """What people write first."""
    target = folder / "pandas.sqlite3"
    target.unlink(missing_ok=True)
    engine = create_engine(f"sqlite:///{target}")
    parts: Iterator[pd.DataFrame]
    if path.suffix == ".log":
        lines = pd.read_csv(path, chunksize=CHUNK, sep=" ", header=None, escapechar="\\")
        parts = map(_taken_apart, lines)
    else:
        parts = iter(pd.read_csv(path, chunksize=CHUNK))
    for part in parts:
        part.to_sql("requests", engine, if_exists="append", index=False)
    engine.dispose()


def _taken_apart(lines: pd.DataFrame) -> pd.DataFrame:
    at = pd.to_datetime(lines[3] + " " + lines[4], format="[%d/%b/%Y:%H:%M:%S %z]")
    url = lines[5].str.split(" ").str[1]
    return pd.DataFrame({"at": at, "url": url, "bytes": lines[7], "load_s": lines[10]})


def with_ours(path: Path, folder: Path) -> None:
    """A stored trace of the same file."""
    from engine.actions.traces import Wanted, import_trace

    settings = load_settings(CACHESCOPE_DATA_DIR=str(folder / "data"))
    import_trace(Wanted(file=str(path), name="x", replace=True), "benchmark", settings)


def files(rows: int, rounds: int) -> None:
    """Print the ratios of importing a CSV and a log to pandas reading the CSV."""
    with tempfile.TemporaryDirectory() as place:
        folder, frame = Path(place), requests(rows)
        frame.to_csv(folder / "requests.csv", index=False)
        write_log(frame, folder / "access.log")
        with_ours(folder / "requests.csv", folder)  # warm: imports and the store's tables
        for name in ("requests.csv", "access.log"):
            turns = [
                (
                    processor_seconds(lambda: with_pandas(folder / name, folder)),  # noqa: B023
                    processor_seconds(lambda: with_ours(folder / name, folder)),  # noqa: B023
                )
                for _ in range(rounds)
            ]
            theirs, ours = (statistics.median(times) for times in zip(*turns, strict=True))
            ratio = statistics.median(their / our for their, our in turns)
            print(
                f"{name:13} pandas {rows / theirs:9,.0f} rows/s   ours {rows / ours:9,.0f} rows/s "
                f"(goal {FILE_GOAL:,})   ratio {ratio:5.1f} (target {FILE_TARGET:.0f})  "
                f"{'ok' if ratio >= FILE_TARGET else 'BELOW TARGET'}"
            )


def follow(rows: int, rounds: int) -> None:
    """Print how fast lines of a log become committed rows of SQLite."""
    from engine.traces.log_service import Follower

    speeds = []
    for _ in range(rounds):
        with tempfile.TemporaryDirectory() as place:
            folder = Path(place)
            write_log(requests(rows), folder / "access.log")
            settings = load_settings(
                CACHESCOPE_DATA_DIR=str(folder / "data"), SOURCE_LOG=str(folder / "access.log")
            )
            store = open_store(settings.database_url)
            migrate(store)
            follower = Follower(settings, store)

            def all_of_it(follower: Follower = follower) -> None:
                while follower.turn():
                    pass

            taken = processor_seconds(all_of_it)
            if follower.written != rows:
                raise SystemExit(f"{follower.written} rows of {rows} were written.")
            speeds.append(rows / taken)
            store.dispose()
    speed = statistics.median(speeds)
    verdict = "ok" if speed >= FOLLOW_TARGET else "BELOW TARGET"
    print(f"followed log {speed:9,.0f} rows/s into SQLite (target {FOLLOW_TARGET:,})  {verdict}")


def databases(rows: int, kinds: list[str]) -> None:
    """Print speed and peak memory of importing rows from each database."""
    for kind in kinds:
        with tempfile.TemporaryDirectory() as place, fresh_database(kind, Path(place)) as url:
            shown = url.render_as_string(hide_password=False)
            peaks, speed = [], 0.0
            for count in (rows // 2, rows):
                fill(shown, count)
                peak, seconds = in_a_process(shown, place)
                peaks.append(peak)
                speed = count / seconds
            print(
                f"{kind:9} {rows:10,} rows {speed:9,.0f} rows/s   peak {peaks[1]:5,.0f} MB "
                f"(half as many rows: {peaks[0]:5,.0f} MB)"
            )


def fill(url: str, rows: int) -> None:
    """Bring the source `own` to so many rows."""
    store = open_store(url)
    migrate(store)
    source = writes.ensure_source(store, "own", "table", "measured")
    with store.connect() as connection:
        there = int(connection.exec_driver_sql("SELECT count(*) FROM cache_metrics").scalar_one())
    if not there:
        writes.insert(store, cache_metrics, [_row(number, source) for number in range(CHUNK)])
        there = CHUNK
    store.dispose()
    # Inside the database, which is many times as fast as sending every row; and without our
    # store's limit on how long a statement may take.
    plain = create_engine(url)
    while there < rows:
        more = min(there, rows - there, MULTIPLIED)
        with plain.begin() as connection:
            connection.execute(_again(there, more))
        there += more
    plain.dispose()


def _row(number: int, source: int) -> dict[str, object]:
    return {
        "timestamp": 1.7e9 + number / 100, "source": source, "writer": "b", "sequence": number,
        "cache_name": "/items", "hit": number % 3 == 0,
        "cache_key": f"/items/{number * 7919 % 50_000}", "load_time_ms": number % 97 + 0.5,
        "size_bytes": number % 5000,
    }  # fmt: skip


def _again(there: int, more: int) -> Insert:
    """The first `more` rows once more, after the `there` that are there."""
    table = cache_metrics.c
    later = {"timestamp": table.timestamp + there / 100, "sequence": table.sequence + there}
    names = [column.name for column in table if column.name != "id"]
    chosen = [later.get(name, table[name]) for name in names]
    return cache_metrics.insert().from_select(names, select(*chosen).where(table.sequence < more))


def in_a_process(url: str, folder: str) -> tuple[float, float]:
    """Peak memory (MB) and seconds of an import in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.benchmarks.importing", "--one", url, folder],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode:
        raise SystemExit(f"The import failed: {done.stderr.strip()}")
    peak, seconds = json.loads(done.stdout.strip().splitlines()[-1])
    return float(peak), float(seconds)


def one(url: str, folder: str) -> None:
    """Import the source `own` and print peak memory and seconds."""
    from engine.actions.traces import Wanted, import_trace

    settings = load_settings(CACHESCOPE_DATA_DIR=f"{folder}/data", DATABASE_URL=url)
    begun = time.perf_counter()
    import_trace(Wanted(source="own", replace=True), "benchmark", settings)
    seconds = time.perf_counter() - begun
    unit = 1 << 20 if sys.platform == "darwin" else 1 << 10
    print(json.dumps([resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit, seconds]))


def main() -> None:
    """Read the options and measure."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else "")
    parser.add_argument("--rows", type=int, default=300_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--database-rows", type=int, default=200_000)
    parser.add_argument("--kinds", nargs="+", default=["sqlite", "mariadb", "postgres"])
    parts = ["files", "follow", "databases"]
    parser.add_argument("--only", nargs="+", choices=parts, default=parts)
    parser.add_argument("--one", nargs=2, metavar=("URL", "FOLDER"), help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.one:
        one(*given.one)
        return
    if "files" in given.only:
        files(given.rows, given.rounds)
    if "follow" in given.only:
        follow(given.rows, given.rounds)
    if "databases" in given.only:
        databases(given.database_rows, given.kinds)


if __name__ == "__main__":
    main()
