"""What a load of each key last cost: the price that a hit saves."""

from __future__ import annotations

from collections import OrderedDict
from typing import NamedTuple

LIMIT = 50_000
"""Keys remembered; the least recently requested is forgotten first."""


class Cost(NamedTuple):
    """The last miss of a key, and the one before it."""

    cost_ms: float
    at: float
    cache_name: str
    size_bytes: int
    before_ms: float | None = None
    before_at: float = 0.0


class Costs:
    """Last miss costs of the most recently requested keys, up to a settled second.

    Rows younger than that are read again in the next turn; a `Draft` lays them over without
    changing anything here, so that reading them twice gives the same figures.
    """

    def __init__(self, limit: int = LIMIT) -> None:
        self._limit = limit
        self._costs: OrderedDict[str, Cost] = OrderedDict()
        self._changed: dict[str, Cost] = {}

    def __len__(self) -> int:
        return len(self._costs)

    def restore(self, key: str, cost: Cost) -> None:
        """Lay down a stored cost; give the oldest first."""
        self._costs[key] = cost
        self._costs.move_to_end(key)
        self._bound()

    def known(self, key: str, before: float) -> float | None:
        """Cost in ms of the last miss of `key` earlier than `before`; None when unknown."""
        cost = self._costs.get(key)
        if cost is None:
            return None
        if cost.at < before:
            return cost.cost_ms
        return cost.before_ms if cost.before_at < before else None

    def latest(self, key: str) -> float | None:
        """Cost in ms of the last settled miss of `key`."""
        cost = self._costs.get(key)
        return None if cost is None else cost.cost_ms

    def touch(self, key: str) -> None:
        """Say that `key` was requested, so that it is not forgotten first."""
        if key in self._costs:
            self._costs.move_to_end(key)

    def learn(self, key: str, cost: Cost) -> None:
        """Settle a miss; misses come in order of time, and a late one changes nothing newer."""
        old = self._costs.get(key)
        if old is not None and cost.at < old.at:
            return
        if old is not None and cost.at == old.at:
            cost = cost._replace(before_ms=old.before_ms, before_at=old.before_at)
        elif old is not None:
            cost = cost._replace(before_ms=old.cost_ms, before_at=old.at)
        self._costs[key] = cost
        self._costs.move_to_end(key)
        self._bound()

    def learn_late(self, key: str, cost: Cost) -> None:
        """Settle a miss that came late; it is kept for `changes`, as no turn stores it."""
        old = self._costs.get(key)
        if old is None or cost.at > old.at:
            self.learn(key, cost)
            self._changed[key] = cost

    def changes(self) -> dict[str, Cost]:
        """Costs that came late and are not stored since `saved`."""
        return dict(self._changed)

    def saved(self) -> None:
        """Say that the changes are stored."""
        self._changed.clear()

    def _bound(self) -> None:
        while len(self._costs) > self._limit:
            self._costs.popitem(last=False)


class Draft:
    """Costs as they would be after rows that are not settled yet."""

    def __init__(self, settled: Costs) -> None:
        self._settled = settled
        self._over: dict[str, float] = {}

    def latest(self, key: str) -> float | None:
        """Cost in ms of the last miss of `key`, settled or not."""
        found = self._over.get(key)
        return found if found is not None else self._settled.latest(key)

    def learn(self, key: str, cost_ms: float) -> None:
        """Take note of a miss that is not settled yet."""
        self._over[key] = cost_ms
