"""The follower of an access log: `python -m engine.traces.log_service`.

The log is its own spool: rows are written straight into the store, and while that is away the
lines wait in their file. The cursor is kept after the rows are committed; rows that are made again
after a crash have the same writer and number, so the store ignores them.
"""

from __future__ import annotations

import contextlib
import logging
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import msgspec
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from db import writes
from db.faults import StoreUnavailable, explain
from db.migrations import migrate
from db.session import open_store
from db.tables import cache_metrics
from engine.errors import EngineError, SourceError, TraceError
from engine.leases import Lease
from engine.lifeline import Lifeline
from engine.logs import configure
from engine.settings import Settings, load_settings
from engine.sources import active_source
from engine.traces.log_rows import LogRows
from engine.traces.masking import Masker, salt_of
from engine.traces.options import Options
from engine.traces.tail import Cursor, Tail

_log = logging.getLogger(__name__)

POLL_S = 0.5
"""The file is looked at this often even if nothing tells of a change."""

_CHANGES = frozenset({"modified", "created", "moved", "deleted", "closed"})
"""Kinds of events that may bring new lines; our own opening of files is none of them."""

CURSOR_FILE = "log-cursor.json"


class Kept(msgspec.Struct, frozen=True):
    """What the cursor's file holds."""

    log: str
    cursor: Cursor


class Follower:
    """Moves what is new in the log into the store, one piece a turn."""

    def __init__(self, settings: Settings, store: Engine) -> None:
        self._store = store
        self._path = Path(settings.source_log).expanduser().absolute()
        self._kept = settings.data_path / CURSOR_FILE
        self._tail = Tail(self._path, _load_cursor(self._kept, str(self._path)))
        source = active_source(settings, store)
        self._rows = LogRows(source.id, Masker(salt_of(settings.data_path)), Options())
        self.written = 0

    def turn(self) -> bool:
        """Write the rows of the next lines; False if there is nothing new.

        Raises:
            SQLAlchemyError: the store is away; nothing is lost, call again.
            TraceError: the log cannot be read just now.
        """
        lines = self._tail.read()
        if lines is None:
            return False
        rows = self._rows.rows(lines)
        writes.insert(self._store, cache_metrics, rows)
        cursor = self._tail.accept(lines, len(rows))
        _save_cursor(self._kept, Kept(str(self._path), cursor))
        self.written += len(rows)
        return True

    def trouble(self) -> str:
        """What a person should know and change, in a sentence; empty if all is well."""
        if self._rows.untimed and not self.written:
            return (
                f"{self._path} tells no request time, so no row can be made of it; add "
                "$request_time behind the fields of nginx's log_format (Apache: %D)."
            )
        if self._rows.faults.count and not self.written:
            first = self._rows.faults.samples[0]
            return f"{self._path} does not read as an access log: {first.text[:80]!r}."
        return "" if self._path.exists() else f"There is no log {self._path} yet."

    def close(self) -> None:
        """Give the file back, and say what was left out."""
        self._tail.close()
        if self._rows.faults.count:
            _log.warning("%d malformed lines were left out.", self._rows.faults.count)
        for why, count in self._rows.faults.left_out.items():
            _log.info("%d lines were left out: %s.", count, why)


@contextlib.contextmanager
def changes_of(path: Path) -> Iterator[threading.Event]:
    """An event that is set when something changes in the file's folder, where that can be told."""
    from watchdog.events import FileSystemEvent, FileSystemEventHandler
    from watchdog.observers import Observer

    changed = threading.Event()

    class Handler(FileSystemEventHandler):
        """Sets the event."""

        def on_any_event(self, event: FileSystemEvent) -> None:
            """Whatever it is."""
            if event.event_type in _CHANGES:
                changed.set()

    observer = Observer()
    try:
        observer.schedule(Handler(), str(path.parent))
        observer.start()
    except OSError as error:
        _log.info("Changes of %s are not told (%s); it is polled.", path.parent, error)
        yield changed
        return
    try:
        yield changed
    finally:
        observer.stop()
        observer.join(1.0)


def run(settings: Settings, lifeline: Lifeline) -> None:
    """Serve until asked to stop.

    An outage of the store or a log that is not there degrades, never ends it.
    """
    store = open_store(settings.database_url)
    lease = Lease(store, "log")
    follower: Follower | None = None
    is_ready = False
    with changes_of(Path(settings.source_log).expanduser().absolute()) as changed:
        while not lifeline.stopping.is_set():
            changed.clear()
            is_more = False
            try:
                if not lease.hold():
                    _closed(follower)
                    follower = None
                    lifeline.standby(lease.holder)
                else:
                    if follower is None:
                        migrate(store)
                        follower = Follower(settings, store)
                    is_more = follower.turn()
                    _tell(lifeline, follower.trouble())
            except (SQLAlchemyError, StoreUnavailable) as error:
                _tell(lifeline, explain(error, store.url))
            except (TraceError, SourceError) as error:
                _tell(lifeline, str(error))
            if not is_ready:
                lifeline.ready()
                is_ready = True
            lifeline.beat(follower.written if follower else 0)
            if not is_more:
                _wait(lifeline, changed)
    _closed(follower)
    with contextlib.suppress(SQLAlchemyError):
        lease.release()


def _wait(lifeline: Lifeline, changed: threading.Event) -> None:
    until = time.monotonic() + POLL_S
    while not lifeline.stopping.is_set() and (left := until - time.monotonic()) > 0:
        if changed.wait(min(left, 0.1)):
            lifeline.wait(0.05)  # let a burst of lines come together
            return


def _tell(lifeline: Lifeline, trouble: str) -> None:
    if trouble:
        lifeline.degraded(trouble)
    else:
        lifeline.recovered()


def _closed(follower: Follower | None) -> None:
    if follower is not None:
        follower.close()


def _load_cursor(kept: Path, log: str) -> Cursor | None:
    try:
        found = msgspec.json.decode(kept.read_bytes(), type=Kept)
    except (FileNotFoundError, msgspec.MsgspecError):
        return None
    return found.cursor if found.log == log else None


def _save_cursor(kept: Path, what: Kept) -> None:
    fresh = kept.with_suffix(".new")
    try:
        fresh.write_bytes(msgspec.json.encode(what))
        fresh.replace(kept)
    except OSError as error:
        raise TraceError(f"The place in the log cannot be kept in {kept}: {error}.") from None


def main() -> int:
    """Run the service; returns the exit code."""
    try:
        settings = load_settings()
        configure(settings.log_level)
        if not settings.source_log:
            raise SourceError("SOURCE_LOG is not set; name the log to follow.")
        run(settings, Lifeline())
    except EngineError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
