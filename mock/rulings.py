"""From published decisions to rulings on the cache; any cache in front of any API could do this."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from typing import Any, NamedTuple

from sqlalchemy import Engine, select

from db.session import reading
from db.tables import decisions
from engine.cache.live import LiveCache, Ruling
from engine.records import Action

LRU = "lru"
"""The policy named in a row when no decision is in force."""

_MOST = 500


class InForce(NamedTuple):
    """Who ruled on an endpoint, and how."""

    policy: str
    action: str
    until: float


class Rulings:
    """Keeps the published decisions of one source and puts each in force at its time."""

    def __init__(self, store: Engine, cache: LiveCache, source: int) -> None:
        self._store = store
        self._cache = cache
        self._source = source
        self._lock = threading.Lock()
        self._rows: Sequence[Any] = ()
        self._applied: dict[str, str] = {}
        self._in_force: dict[str, InForce] = {}

    def poll(self) -> None:
        """Read what is published and not over; database errors pass through."""
        statement = (
            select(decisions)
            .where(
                decisions.c.source == self._source,
                decisions.c.valid_until > time.time(),
                decisions.c.published,
            )
            .order_by(decisions.c.valid_from, decisions.c.id)
            .limit(_MOST)
        )
        with reading(self._store) as connection:
            rows = connection.execute(statement).all()
        with self._lock:
            self._rows = rows

    def apply(self) -> int:
        """Put in force what has begun and was not yet; returns how many rulings are new."""
        now = time.time()
        fresh: dict[str, Ruling] = {}
        with self._lock:
            for row in self._rows:
                if not row.valid_from <= now < row.valid_until:
                    continue
                if self._applied.get(row.cache_name) == row.prediction_id:
                    fresh.pop(row.cache_name, None)
                    continue
                fresh[row.cache_name] = Ruling(
                    keep=row.action != Action.DROP,
                    ttl_seconds=row.ttl_seconds,
                    refresh_ahead=bool(row.refresh_ahead),
                    valid_until=row.valid_until,
                )
                self._applied[row.cache_name] = row.prediction_id
                self._in_force[row.cache_name] = InForce(row.agent, row.action, row.valid_until)
        self._cache.rule(fresh)
        return len(fresh)

    def on(self, name: str) -> tuple[str, str | None]:
        """The policy and the action in force for an endpoint."""
        found = self._in_force.get(name)
        if found is None or found.until <= time.time():
            return LRU, None
        return found.policy, found.action
