"""Putting rulings in force on a cache: the live one and the shadows obey through this alone."""

from __future__ import annotations

from collections.abc import Mapping

from engine.cache.live import LiveCache, Ruling
from engine.clock import Clock
from engine.records import OTHER


class Applier:
    """Spreads rulings over the endpoints of one cache; not thread-safe.

    A ruling on `records.OTHER` holds for every endpoint without one of its own in force, also for
    those not seen yet. So name each request's endpoint with `meet` before the cache is asked.
    """

    def __init__(self, cache: LiveCache, clock: Clock) -> None:
        self._cache = cache
        self._clock = clock
        self._seen: set[str] = set()
        self._ruled_until: dict[str, float] = {}
        self._other: Ruling | None = None
        self._all: Ruling | None = None

    def rule(self, rulings: Mapping[str, Ruling]) -> None:
        """Put rulings in force now, each until its `valid_until`."""
        own = {name: ruling for name, ruling in rulings.items() if name != OTHER}
        self._ruled_until.update((name, ruling.valid_until) for name, ruling in own.items())
        if OTHER in rulings:
            self._other = rulings[OTHER]
            own.update(dict.fromkeys(filter(self._is_other, self._seen), self._other))
        self._cache.rule(own)

    def rule_all(self, ruling: Ruling) -> None:
        """Put one ruling in force for every endpoint, also for those not seen yet."""
        self._all = ruling
        self._cache.rule(dict.fromkeys(self._seen, ruling))

    def meet(self, name: str) -> None:
        """Put in force for an endpoint, when it is first seen, what holds for the rest."""
        if name in self._seen:
            return
        self._seen.add(name)
        ruling = self._all or (self._other if self._is_other(name) else None)
        if ruling is not None:
            self._cache.rule({name: ruling})

    def _is_other(self, name: str) -> bool:
        return self._ruled_until.get(name, 0.0) <= self._clock.now()
