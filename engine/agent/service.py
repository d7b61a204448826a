"""The agent: `python -m engine.agent.service`.

A prediction is acknowledged only after its decision is committed; whatever dies in between, the
queue hands it out again, and its unique id keeps the decision single.
"""

from __future__ import annotations

import logging
import sys
import time

from sqlalchemy.exc import SQLAlchemyError

from db.faults import StoreUnavailable, explain
from db.migrations import migrate
from db.session import open_store
from engine.agent.work import Deciding
from engine.broker.base import Broker, Delivery
from engine.broker.client import connect
from engine.errors import BrokerError, EngineError
from engine.leases import Lease
from engine.lifeline import Lifeline
from engine.logs import configure
from engine.settings import Settings, load_settings

_log = logging.getLogger(__name__)

BATCH = 50
WAIT_S = 0.5


class Service:
    """The loop around `Deciding`: lease, queue, outages."""

    def __init__(self, settings: Settings, lifeline: Lifeline) -> None:
        self._settings = settings
        self._lifeline = lifeline
        self._store = open_store(settings.database_url)
        self._lease = Lease(self._store, "agent")
        self._broker: Broker = connect(settings, name="predictions", client="agent")
        self._work: Deciding | None = None
        self._migrated = False
        self._held: list[Delivery] = []

    def run(self) -> None:
        """Serve until asked to stop.

        Raises:
            EngineError: something that no retry mends; one sentence.
        """
        is_ready = False
        while not self._lifeline.stopping.is_set():
            try:
                self._turn()
            except (SQLAlchemyError, StoreUnavailable) as error:
                self._trouble(explain(error, self._store.url))
            except BrokerError as error:
                self._trouble(str(error))
            if not is_ready:
                self._lifeline.ready()
                is_ready = True
            self._lifeline.beat(self._work.decided + self._work.judge.judged if self._work else 0)
        self._stop()

    def _turn(self) -> None:
        if not self._migrated:
            migrate(self._store)
            self._migrated = True
        if not self._lease.hold():
            self._work = None
            self._lifeline.standby(self._lease.holder)
            self._lifeline.wait(WAIT_S)
            return
        if self._work is None:
            self._work = Deciding(self._settings, self._store)
        self._work.turn(time.time())
        if not self._held:
            self._held, _ = self._broker.get_many(BATCH, WAIT_S)
        if self._held:
            self._work.take(self._held, time.time())
            self._broker.acknowledge([delivery.id for delivery in self._held])
            self._held = []
            self._broker.flush()
        self._lifeline.recovered()

    def _trouble(self, why: str) -> None:
        _log.warning("%s", why)
        self._lifeline.degraded(why)
        self._lifeline.wait(WAIT_S)

    def _stop(self) -> None:
        try:
            if self._work is not None:
                self._work.keeper.save(self._store, time.time())
            self._lease.release()
        except (SQLAlchemyError, StoreUnavailable) as error:
            _log.warning("The last checkpoint could not be saved: %s", error)
        self._broker.close()


def main() -> int:
    """Run the service; returns the exit code."""
    try:
        settings = load_settings()
        configure(settings.log_level)
        Service(settings, Lifeline()).run()
    except EngineError as error:
        print(error, file=sys.stderr)  # noqa: T201 - the supervisor shows it as the reason
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
