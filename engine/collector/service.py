"""The collector: `python -m engine.collector.service`."""

from __future__ import annotations

import logging
import sys
import time
from collections.abc import Callable

from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from db.faults import StoreUnavailable, explain
from db.migrations import migrate
from db.session import open_store
from engine.collector.follower import Follower
from engine.collector.reader import RowReader
from engine.collector.replays import make_replays
from engine.collector.retention import sweep
from engine.collector.watch import EventWatch, QueueWatch
from engine.errors import EngineError, SourceError
from engine.leases import Lease
from engine.lifeline import Lifeline
from engine.logs import configure
from engine.settings import Settings, load_settings
from engine.sources import active_source

_log = logging.getLogger(__name__)

TURN_S = 1.0
RECONCILE_S = 5.0
SWEEP_S = 60.0
REWIND_S = 10.0


class Collector:
    """The work loop: one turn a second, everything else on its own beat."""

    def __init__(self, settings: Settings, store: Engine) -> None:
        self._settings = settings
        self._store = store
        self.source = active_source(settings, store)
        reader = RowReader(self.source, store)
        replays = make_replays(settings, self.source, store)
        history_s = settings.retention_hours * 3600
        self.follower = Follower(self.source, store, reader, replays, history_s)
        self._queue = QueueWatch(settings, store)
        self._events = EventWatch(settings, store)
        self._due: dict[str, float] = {}
        self.rows = 0

    def work(self, stopping: Callable[[], bool], beat: Callable[[int], None]) -> None:
        """Collect everything up to now, then what else is due.

        Raises:
            SQLAlchemyError: a database is away; nothing is lost, call again.
        """
        while not stopping():
            turn = self.follower.turn(time.time())
            self.rows += turn.rows
            beat(self.rows)
            if not turn.is_behind:
                break
        self._queue.copy()
        self._events.copy()
        if self._is_due("reconcile", RECONCILE_S):
            self.follower.reconcile()
        if self._is_due("rewind", REWIND_S):
            self.follower.rewind()
        if self._is_due("sweep", SWEEP_S):
            kept_s = self._settings.retention_hours * 3600
            sweep(self._store, self.source.id, time.time(), kept_s, self.follower.settled)

    def close(self) -> None:
        """Give connections back; everything collected is stored already."""
        self._queue.close()

    def _is_due(self, what: str, every_s: float) -> bool:
        now = time.monotonic()
        if now < self._due.setdefault(what, now + every_s):
            return False
        self._due[what] = now + every_s
        return True


def run(settings: Settings, lifeline: Lifeline) -> None:
    """Serve until asked to stop.

    An outage of a database degrades, never ends it; so does a source that cannot be read or does
    not fit, since its owner may bring it up or make the table at any time.
    """
    store = open_store(settings.database_url)
    lease = Lease(store, "collector")
    collector: Collector | None = None
    is_ready, trouble = False, ""
    while not lifeline.stopping.is_set():
        started = time.monotonic()
        try:
            if not lease.hold():
                collector = None
                lifeline.standby(lease.holder)
            else:
                if collector is None:
                    migrate(store)
                    collector = Collector(settings, store)
                collector.work(lifeline.stopping.is_set, lambda rows: _beat(lifeline, lease, rows))
                lifeline.recovered()
        except (SQLAlchemyError, StoreUnavailable) as error:
            why = explain(error, store.url)
            _log.warning("%s", why)
            lifeline.degraded(why)
        except SourceError as error:
            if str(error) != trouble:
                _log.warning("%s", error)
            trouble = str(error)
            lifeline.degraded(trouble)
        if not is_ready:
            lifeline.ready()
            is_ready = True
        lifeline.beat(collector.rows if collector else 0)
        lifeline.wait(max(0.05, TURN_S - (time.monotonic() - started)))
    if collector is not None:
        collector.close()
    try:
        lease.release()
    except SQLAlchemyError as error:
        _log.info("The lease runs out by itself: %s", explain(error, store.url))


def _beat(lifeline: Lifeline, lease: Lease, rows: int) -> None:
    lifeline.beat(rows)
    lease.hold()


def main() -> int:
    """Run the service; returns the exit code."""
    try:
        settings = load_settings()
        configure(settings.log_level)
        run(settings, Lifeline())
    except EngineError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
