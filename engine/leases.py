"""Which of several engines on one store does a piece of work: whoever holds its lease."""

from __future__ import annotations

import time

from sqlalchemy import Connection, Engine

from db.writes import holds_lease, release_lease, take_lease
from engine.clock import Clock, SystemClock
from engine.errors import EngineError
from engine.settings import Settings, load_settings
from engine.supervision import folder

LEASE_S = 15.0
"""How long a lease outlives its last renewal. Hosts' clocks must agree to a few seconds."""

RENEW_S = 3.0
"""How often it is renewed."""


def engine_id(settings: Settings) -> str:
    """Who this engine is among several on one store: host and data folder."""
    return folder.identity(settings.run_path)


class LeaseLost(EngineError):  # noqa: N818 - reads as the sentence it reports
    """Raised when work that only the holder of a lease may do is no longer ours."""


class Lease:
    """One lease as one service holds it; call `hold` in every turn of the work loop.

    `owner` is the engine (default: this one, `engine_id`), not the process: a restarted service
    takes its engine's lease up again at once.
    """

    def __init__(
        self, store: Engine, name: str, owner: str = "", clock: Clock | None = None
    ) -> None:
        self._store = store
        self._name = name
        self._owner = owner or engine_id(load_settings())
        self._clock = clock or SystemClock()
        self._held = False
        self._asked = float("-inf")
        self._until = float("-inf")
        self.held_by = ""
        self.since = 0.0

    def hold(self) -> bool:
        """Take or renew the lease; True while it is ours. Costs a query only every few seconds.

        Raises:
            SQLAlchemyError: the store cannot be reached. Nobody else can take the lease there
                either, but do no work that only its holder may do.
        """
        now = self._clock.monotonic()
        if now - self._asked < RENEW_S:
            return self._held and now < self._until
        held, self.held_by, self.since = take_lease(
            self._store, self._name, self._owner, LEASE_S, self._clock.now()
        )
        self._asked = now
        self._held, self._until = held, now + LEASE_S
        return held

    @property
    def holder(self) -> str:
        """Who holds it and since when, for `Lifeline.standby`: "HOST since 14:02"."""
        host = self.held_by.partition(":")[0]
        return f"{host} since {time.strftime('%H:%M', time.localtime(self.since))}"

    def guard(self, connection: Connection) -> None:
        """Let the transaction of `connection` go on only while the lease is ours, to its end.

        Raises:
            LeaseLost: another engine has taken it; roll back and stand by.
        """
        if not holds_lease(connection, self._name, self._owner):
            self._held = False
            raise LeaseLost(
                f"Another engine has taken over as {self._name}; nothing of this turn was stored."
            )

    def release(self) -> None:
        """Give it back, so that another engine need not wait for its end."""
        if self._held:
            self._held = False
            release_lease(self._store, self._name, self._owner)
