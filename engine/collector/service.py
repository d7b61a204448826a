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
from engine.collector import persist
from engine.collector.follower import Follower
from engine.collector.reader import RowReader
from engine.collector.replays import make_replays
from engine.collector.retention import sweep
from engine.collector.watch import EventWatch, QueueWatch
from engine.errors import EngineError, SourceError
from engine.leases import Lease, LeaseLost
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

    def __init__(
        self,
        settings: Settings,
        store: Engine,
        fence: persist.Fence = lambda _: None,
        alive: Callable[[int], object] = lambda _: None,
    ) -> None:
        """Collect the active source of `settings`.

        Args:
            settings: whose source, and how long things are kept.
            store: our own store.
            fence: asked in the transaction of each turn; it raises when we may not go on.
            alive: told the rows collected after each statement on a user's database.

        Raises:
            SourceError: the source cannot be read or does not fit.
        """
        self.rows = 0
        self._settings = settings
        self._store = store
        self.source = active_source(settings, store)
        self._reader = RowReader(self.source, store, lambda: alive(self.rows))
        replays = make_replays(settings, self.source, store)
        history_s = settings.retention_hours * 3600
        self.follower = Follower(self.source, store, self._reader, replays, history_s, fence)
        self._queue = QueueWatch(settings, store)
        self._events = EventWatch(settings, store)
        self._due: dict[str, float] = {}

    def work(self, stopping: Callable[[], bool], beat: Callable[[int], bool]) -> None:
        """Copy what others tell, collect everything up to now, then do what else is due.

        `beat` is told the rows collected and says whether the work is still ours.

        Raises:
            SQLAlchemyError: our store is away; nothing is lost, call again.
            SourceAway: the same of a user's database.
            LeaseLost: another engine collects now.
        """
        self._queue.copy()
        self._events.copy()
        while not stopping():
            turn = self.follower.turn(time.time())
            self.rows += turn.rows
            if not beat(self.rows):
                return
            if not turn.is_behind:
                break
        if self._is_due("reconcile", RECONCILE_S):
            self.follower.reconcile()
        if self._is_due("rewind", REWIND_S):
            self.follower.rewind()
        if self._is_due("sweep", SWEEP_S):
            kept_s = self._settings.retention_hours * 3600
            done = self.follower.settled
            sweep(self._store, self.source.id, time.time(), kept_s, done, lambda: beat(self.rows))

    def close(self) -> None:
        """Give connections back; everything collected is stored already."""
        self._queue.close()
        self._reader.close()

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
                _closed(collector)
                collector = None
                lifeline.standby(lease.holder)
            else:
                if collector is None:
                    migrate(store)
                    collector = Collector(settings, store, lease.guard, lifeline.beat)
                collector.work(lifeline.stopping.is_set, lambda rows: _beat(lifeline, lease, rows))
                lifeline.recovered()
                trouble = ""
        except (SQLAlchemyError, StoreUnavailable) as error:
            why = explain(error, store.url)
            _log.warning("%s", why)
            lifeline.degraded(why)
        except LeaseLost as error:
            _log.warning("%s", error)
            _closed(collector)
            collector = None
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
    _closed(collector)
    try:
        lease.release()
    except SQLAlchemyError as error:
        _log.info("The lease runs out by itself: %s", explain(error, store.url))


def _closed(collector: Collector | None) -> None:
    if collector is not None:
        collector.close()


def _beat(lifeline: Lifeline, lease: Lease, rows: int) -> bool:
    lifeline.beat(rows)
    return lease.hold()


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
