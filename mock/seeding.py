"""Seeding as a command and as a job: the energy tables and a history of requests."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import Engine
from sqlalchemy.engine import URL
from sqlalchemy.exc import SQLAlchemyError

from db.faults import StoreUnavailable, explain, place
from db.migrations import migrate
from db.session import open_store
from engine.database_url import normalise_url
from engine.errors import EngineError, StoreError
from engine.settings import Settings, load_settings
from mock.energy.world import fill
from mock.history import SEEDED, History, history_from, seed_history
from mock.workloads import WORKLOADS

if TYPE_CHECKING:
    from engine.jobs import JobHandle

FORMS: dict[str, type] = {
    "rows": int,
    "hours": float,
    "workload": str,
    "seed": int,
    "rate": float,
}


def defaults(settings: Settings) -> History:
    """The history that the settings describe."""
    return History(
        workload=settings.sample_workload,
        rate=settings.sample_rate,
        day_s=settings.sample_day_s,
        capacity_bytes=settings.cache_capacity_bytes,
    )


def seed_job(params: Mapping[str, Any], job: JobHandle) -> dict[str, object]:
    """Seed the configured store as a job; parameters: rows, hours, workload, seed, rate.

    Raises:
        EngineError: the parameters make no sense.
    """
    history = history_from(params, defaults(load_settings()), FORMS)
    history.check()
    job.progress(0.0, "filling the energy tables")
    energy = fill(job.store, time.time())
    done = 0

    def progress(count: int) -> None:
        nonlocal done
        done += count
        job.progress(done / history.rows, f"{done} of {history.rows} rows")

    seeded = seed_history(job.store, history, progress, lambda: job.cancelled)
    job.log(told(seeded.added, seeded.present, history, seeded.rate))
    return {
        "energy_rows": energy,
        "added": seeded.added,
        "present": seeded.present,
        "rows_per_second": round(seeded.rate),
        "source": SEEDED,
    }


def told(added: int, present: int, history: History, rate: float) -> str:
    """What seeding did, in one sentence."""
    which = f"workload {history.workload}, seed {history.seed}"
    if not added:
        return f"Nothing to add: the history of {which} is already there ({present} rows)."
    return (
        f"{added} rows added to the source {SEEDED!r} ({which}, costs modelled), "
        f"{rate:,.0f} rows/s; {present} were there already."
    )


def parser() -> argparse.ArgumentParser:
    """The command's options."""
    made = argparse.ArgumentParser(
        prog="mock_db",
        description="Fill the energy tables and write a history of requests, costs modelled. "
        "Without database options the configured store is used.",
    )
    add = made.add_argument
    kinds = ("sqlite", "mysql", "mariadb", "postgres", "postgresql")
    add("--db_type", "--db-type", choices=kinds, help="kind of database")
    add("--host", help="server (default 127.0.0.1)")
    add("--port", type=int, help="port of the server")
    add("--user", help="user name")
    add("--password", help="password; better in the environment, as DB_PASSWORD")
    add("--database", help="name of the database, or the file of SQLite")
    add("--rows", type=int, help="requests in the history (default 50000)")
    add("--hours", type=float, help="hours that the history covers, at the given rate")
    add("--rate", type=float, help="requests per second (default: the setting)")
    add("--workload", choices=tuple(WORKLOADS), help="default: the setting")
    add("--seed", type=int, help="equal seeds give equal histories (default 0)")
    return made


def target(given: argparse.Namespace, settings: Settings) -> URL:
    """The database that the options name, else the configured store.

    Raises:
        StoreError: options that do not fit together.
    """
    options = (given.host, given.port, given.user, given.password, given.database)
    if given.db_type is None:
        if any(option is not None for option in options):
            raise StoreError(
                "--host, --port, --user, --password and --database belong to a kind of database; "
                "add --db_type, or leave all out for the configured store."
            )
        return settings.database_url
    if given.db_type == "sqlite":
        if not given.database:
            raise StoreError("--db_type sqlite needs --database with the name of the file.")
        return URL.create("sqlite", database=str(_in_a_folder(Path(given.database).absolute())))
    password = given.password or settings.db_password.reveal() or None
    url = URL.create(
        given.db_type,
        username=given.user or settings.db_user or None,
        password=password,
        host=given.host or settings.db_host,
        port=given.port or settings.db_port,
        database=given.database or settings.db_name,
    )
    return normalise_url(url.render_as_string(hide_password=False))


def _in_a_folder(file: Path) -> Path:
    if not file.parent.is_dir():
        raise StoreError(
            f"There is no folder {file.parent} for the SQLite file {file.name}; make it first, or "
            "give --database another place."
        )
    return file


def main(arguments: list[str] | None = None) -> int:
    """Run the command; 2 when it could not."""
    given = parser().parse_args(arguments)
    url: URL | None = None
    try:
        settings = load_settings()
        wanted = {name: getattr(given, name) for name in FORMS}
        history = history_from(wanted, defaults(settings), FORMS)
        history.check()
        url = target(given, settings)
        _run(open_store(url), history)
    except (EngineError, StoreUnavailable) as error:
        _say(str(error))
    except SQLAlchemyError as error:
        _say(explain(error, url) if url is not None else str(error))
    except KeyboardInterrupt:
        _say("Stopped; the same command completes the history.")
    else:
        return 0
    return 2


def _run(store: Engine, history: History) -> None:
    from tqdm import tqdm

    migrate(store)
    begun = time.monotonic()
    energy = fill(store, time.time())
    _say(f"Seeding {place(store.url)}")
    _say(f"energy tables: {energy} rows added in {time.monotonic() - begun:.1f} s")
    with tqdm(total=history.rows, unit="rows", desc="cache_metrics", disable=None) as bar:
        seeded = seed_history(store, history, bar.update)
    print(told(seeded.added, seeded.present, history, seeded.rate))  # noqa: T201 - the product
    store.dispose()


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)  # noqa: T201 - the command's progress
