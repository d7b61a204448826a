"""Checks of everything an engine needs; each says what was found and what to do about it."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from sqlalchemy.exc import SQLAlchemyError

from db.faults import StoreUnavailable, explain
from db.migrations import HEAD, revision
from db.session import open_store, reading
from engine.collector.columns import Layout, away, discover
from engine.collector.opening import open_source
from engine.control import call
from engine.errors import EngineError
from engine.settings import Settings
from engine.sources import parse_mapping
from engine.supervision.ports import is_free

PACKAGES = (
    "streamlit", "altair", "SQLAlchemy", "alembic", "PyMySQL", "psycopg", "fastapi", "uvicorn",
    "python-dotenv", "msgspec", "numpy", "pandas",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Finding:
    """What one check found; `advice` says what to do unless all is well."""

    check: str
    verdict: Literal["ok", "warn", "fail"]
    found: str
    advice: str = ""


def examine(settings: Settings) -> Iterator[Finding]:
    """Every check in turn; none changes anything but a file that is written and removed again."""
    engine = _engine_status(settings)
    checks: tuple[Callable[[], Iterator[Finding]], ...] = (
        _python,
        lambda: _folders(settings),
        lambda: _store(settings),
        lambda: _source(settings),
        lambda: _ports(settings, engine),
        lambda: _engine(engine),
        lambda: _queue(settings, engine),
        lambda: _cluster(settings),
        _torch,
    )
    for check in checks:
        yield from check()


def _engine_status(settings: Settings) -> dict[str, Any] | None:
    try:
        found: dict[str, Any] = call(settings, "status")
    except EngineError:
        return None
    return found


def _python() -> Iterator[Finding]:
    version = ".".join(map(str, sys.version_info[:3]))
    if (3, 11) <= sys.version_info[:2] <= (3, 13):
        yield Finding("Python", "ok", version)
    else:
        yield Finding("Python", "fail", version, "use Python 3.11, 3.12 or 3.13.")
    missing = [name for name in PACKAGES if not _version(name)]
    if missing:
        yield Finding(
            "packages",
            "fail",
            f"missing: {', '.join(missing)}",
            "run `pip install -r requirements.txt`.",
        )
    else:
        yield Finding("packages", "ok", ", ".join(f"{n} {_version(n)}" for n in PACKAGES[:4]))


def _version(package: str) -> str:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return ""


def _folders(settings: Settings) -> Iterator[Finding]:
    for name, path, setting in (
        ("data folder", settings.data_path, "CACHESCOPE_DATA_DIR"),
        ("log folder", settings.log_path, "CACHESCOPE_LOG_DIR"),
    ):
        try:
            path.mkdir(parents=True, exist_ok=True)
            with tempfile.NamedTemporaryFile(dir=path):
                pass
        except OSError as error:
            advice = f"give us the right to write there, or set {setting}."
            yield Finding(name, "fail", f"{path}: {error.strerror}", advice)
        else:
            free = os.statvfs(path)
            gigabytes = free.f_bavail * free.f_frsize / 1e9
            if gigabytes < 1:
                yield Finding(name, "warn", f"{path}, {gigabytes:.1f} GB free", "free some space.")
            else:
                yield Finding(name, "ok", f"{path}, {gigabytes:.0f} GB free")


def _store(settings: Settings) -> Iterator[Finding]:
    url = settings.database_url
    shown = url.render_as_string(hide_password=True)
    if url.get_backend_name() == "sqlite" and not os.path.exists(str(url.database)):  # noqa: PTH110 - may be :memory:
        yield Finding("database", "ok", f"{shown} will be made at the first start")
        return
    try:
        store = open_store(url)
        with reading(store) as connection:
            found = revision(connection)
    except (StoreUnavailable, SQLAlchemyError) as error:
        sentence = explain(error, url)
        yield Finding("database", "fail", sentence, "see DATABASE_URL and DB_* in .env.example.")
        return
    yield Finding("database", "ok", shown)
    store.dispose()
    if found == HEAD:
        yield Finding("schema", "ok", f"revision {found}")
    else:
        yield Finding(
            "schema",
            "warn",
            f"revision {found or 'none'}, this version has {HEAD}",
            "`python -m engine up` brings it up to date, or says why it cannot.",
        )


def _log_file(log: Path) -> Finding:
    if os.access(log, os.R_OK):
        return Finding("source", "ok", f"the log {log}")
    there = "cannot be read" if log.exists() else "is not there yet"
    advice = "check SOURCE_LOG, and that this user may read the log."
    return Finding("source", "warn", f"the log {log} {there}", advice)


def _source(settings: Settings) -> Iterator[Finding]:
    if settings.source_log and not settings.source_url:
        yield _log_file(Path(settings.source_log).expanduser())
        return
    if not settings.source_url:
        yield Finding("source", "ok", "the sample origin" if settings.sample_enabled else "our own")
        return
    try:
        source = open_source(settings.source_url)
    except EngineError as error:
        yield Finding("source", "fail", str(error), "correct SOURCE_URL.")
        return
    try:
        mapping = parse_mapping(settings.source_mapping)
        layout = discover(source, settings.source_table, mapping)
    except SQLAlchemyError as error:
        yield Finding("source", "fail", str(away(source, error)), "see .env.example.")
    except EngineError as error:
        advice = "correct SOURCE_TABLE or SOURCE_MAPPING; see .env.example."
        yield Finding("source", "fail", str(error), advice)
    else:
        yield from _layout(layout)
    finally:
        source.dispose()


def _layout(layout: Layout) -> Iterator[Finding]:
    names = ", ".join(f"{ours}={column.name}" for ours, column in layout.columns.items())
    yield Finding("source", "ok", f"{layout.table.name}: {names}")
    for note in layout.notes:
        found, _, statement = note.partition("; make one with: ")
        advice = f"{statement};" if statement else "name the column in SOURCE_MAPPING as hit=…"
        yield Finding("source", "warn", found, advice)


def _ports(settings: Settings, engine: dict[str, Any] | None) -> Iterator[Finding]:
    if engine is not None:
        about = engine["engine"]
        yield Finding("ports", "ok", f"API {about['api_port']}, origin {about['origin_port']}")
        return
    for name, host, port in (
        ("API port", settings.api_host, settings.api_port),
        ("origin port", "127.0.0.1", settings.origin_port),
    ):
        if port == 0 or is_free(host, port):
            yield Finding(name, "ok", f"{port or 'any'} is free on {host}")
        else:
            yield Finding(
                name, "warn", f"{port} is busy on {host}", "the next free one will be taken."
            )


def _engine(engine: dict[str, Any] | None) -> Iterator[Finding]:
    if engine is None:
        yield Finding("engine", "ok", "does not run; `python -m engine up` starts it")
        return
    troubled = [s for s in engine["services"] if s["state"] in ("failed", "degraded")]
    for service in troubled:
        advice = f"see `python -m engine logs {service['name']}`."
        yield Finding(service["name"], "warn", f"{service['state']}: {service['why']}", advice)
    if not troubled:
        yield Finding(
            "engine", "ok", f"runs (pid {engine['engine']['pid']}), no service in trouble"
        )


def _queue(settings: Settings, engine: dict[str, Any] | None) -> Iterator[Finding]:
    if engine is None:
        return
    from engine.actions.queue import queue_status

    began = time.monotonic()
    try:
        found = queue_status(settings=settings)
    except EngineError as error:
        yield Finding("queue", "fail", str(error), "see `python -m engine logs queue`.")
        return
    took = (time.monotonic() - began) * 1000
    yield Finding("queue", "ok", f"depth {found['depth']} of {found['capacity']}, {took:.0f} ms")


def _cluster(settings: Settings) -> Iterator[Finding]:
    if not settings.ray_address:
        return
    from engine.execution.cluster import knock

    try:
        knock(settings.ray_address)
    except EngineError as error:
        yield Finding("Ray cluster", "fail", str(error), "see docs/scaling.md.")
    else:
        yield Finding("Ray cluster", "ok", f"answers at {settings.ray_address}")


def _torch() -> Iterator[Finding]:
    if importlib.util.find_spec("torch") is None:
        yield Finding(
            "torch",
            "warn",
            "not installed: no LSTM, only the last value and the value one season ago",
            "run `pip install -r requirements.txt`.",
        )
    else:
        yield Finding("torch", "ok", _version("torch"))
