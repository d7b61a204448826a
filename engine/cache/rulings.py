"""From published decisions to rulings on a live cache: sample origin and own programs obey so."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any, NamedTuple

from sqlalchemy import Engine

from db.queries import decisions
from engine.cache.applier import Applier
from engine.cache.live import LiveCache, Ruling
from engine.clock import SystemClock
from engine.records import OTHER, Action

LRU = "lru"
"""The policy named in a row when no decision is in force."""

_AHEAD_S = 600.0
"""Decisions are read this long before they begin, so that a short outage delays none."""


class InForce(NamedTuple):
    """Who ruled on an endpoint, and how."""

    prediction_id: str
    policy: str
    action: str
    until: float


class Rulings:
    """Keeps the published decisions of one source and puts each in force at its time.

    `poll` may run in another thread than all else.
    """

    def __init__(self, store: Engine, cache: LiveCache, source: int) -> None:
        self._store = store
        self._source = source
        self._applier = Applier(cache, SystemClock())
        self._rows: Sequence[dict[str, Any]] = ()
        self._in_force: dict[str, InForce] = {}

    def poll(self) -> None:
        """Read what is published and not over; database errors pass through."""
        self._rows = decisions.published(self._store, self._source, time.time(), _AHEAD_S)

    def apply(self) -> int:
        """Put in force what has begun and was not yet; returns how many rulings are new."""
        now = time.time()
        newest = {
            row["cache_name"]: row
            for row in self._rows
            if row["valid_from"] <= now < row["valid_until"]
        }
        fresh: dict[str, Ruling] = {}
        for name, row in newest.items():
            known = self._in_force.get(name)
            if known is not None and known.prediction_id == row["prediction_id"]:
                continue
            fresh[name] = Ruling(
                keep=row["action"] != Action.DROP,
                ttl_seconds=row["ttl_seconds"],
                refresh_ahead=bool(row["refresh_ahead"]),
                valid_until=row["valid_until"],
            )
            self._in_force[name] = InForce(
                row["prediction_id"], row["agent"], row["action"], row["valid_until"]
            )
        self._applier.rule(fresh)
        return len(fresh)

    def meet(self, name: str) -> None:
        """Name each request's endpoint before the cache is asked for it."""
        self._applier.meet(name)

    def on(self, name: str) -> tuple[str, str | None]:
        """The policy and the action in force for an endpoint."""
        now = time.time()
        for ruled in (name, OTHER):
            found = self._in_force.get(ruled)
            if found is not None and found.until > now:
                return found.policy, found.action
        return LRU, None
