"""Which keys a learned cache holds: a window of the most recent, and scored residents.

The same structure, draws and order of comparison as Cachescope's compiled core, so that a replay
evicts the same keys.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable, Sequence

import numpy as np
from numpy.typing import NDArray

Score = Callable[[Sequence[Hashable]], NDArray[np.float32]]

_NOBODY = object()
_BITS = (1 << 64) - 1
_WORST = float("inf")


class Residents:
    """Keys and sizes of one cache.

    Args:
        capacity: of both segments together.
        window: share of it that is the window, at least one place.
        pool: worst residents remembered between decisions.
        fresh: residents drawn at random for a decision.
        seed: of these draws.
    """

    def __init__(self, capacity: int, window: float, pool: int, fresh: int, seed: int) -> None:
        self._window_most = min(capacity, max(1, int(window * capacity)))
        self._main_most = capacity - self._window_most
        self._fresh = fresh
        self._window: OrderedDict[Hashable, None] = OrderedDict()  # the least recent first
        self._main: list[Hashable] = []
        self._place: dict[Hashable, int] = {}
        self._sizes: dict[Hashable, float] = {}
        self._window_used = self._main_used = 0.0
        self._pool: list[Hashable] = [_NOBODY] * pool
        self._pool_score = [_WORST] * pool
        self._random = int(np.random.default_rng(seed).integers(1, 2**63))

    @property
    def used(self) -> float:
        """The size of all that is held."""
        return self._window_used + self._main_used

    def size(self, key: Hashable) -> float:
        """The size of a key that is held."""
        return self._sizes[key]

    def touch(self, key: Hashable) -> None:
        """Say that a held key was asked for."""
        if key in self._window:
            self._window.move_to_end(key)

    def enter(self, key: Hashable, size: float, score: Score | None) -> list[Hashable]:
        """Hold a new key; returns those to be evicted for it, already out of here or not.

        Args:
            key: not held yet.
            size: at most the capacity.
            score: the worth of keeping each of some keys; None where nothing can be scored: then
                what leaves the window stays, and the caller removes whom it likes.
        """
        self._sizes[key] = size
        self._window[key] = None
        self._window_used += size
        evicted: list[Hashable] = []
        while self._window_used > self._window_most:
            leaver, _ = self._window.popitem(last=False)
            self._window_used -= self._sizes[leaver]
            evicted += self._promote(leaver, score)
        return evicted

    def remove(self, key: Hashable) -> None:
        """Hold a key no longer; nothing happens if it is not held."""
        size = self._sizes.pop(key, None)
        if size is None:
            return
        if key in self._window:
            del self._window[key]
            self._window_used -= size
        elif key in self._place:
            self._leave_main(key, size)

    def _promote(self, leaver: Hashable, score: Score | None) -> list[Hashable]:
        size, evicted = self._sizes[leaver], []
        while score is not None and self._main_used + size > self._main_most:
            lowest = self._lowest(leaver, score) if size <= self._main_most else leaver
            evicted.append(lowest)
            if lowest == leaver:
                return evicted
            self._leave_main(lowest, self._sizes[lowest])
        self._place[leaver] = len(self._main)
        self._main.append(leaver)
        self._main_used += size
        return evicted

    def _leave_main(self, key: Hashable, size: float) -> None:
        place, moved = self._place.pop(key), self._main.pop()
        if moved != key:
            self._main[place] = moved
            self._place[moved] = place
        self._main_used -= size
        for at, pooled in enumerate(self._pool):
            if pooled == key:
                self._pool[at], self._pool_score[at] = _NOBODY, _WORST

    def _lowest(self, leaver: Hashable, score: Score) -> Hashable:
        """Who scores lowest: the leaver, a resident of the pool, or one drawn afresh."""
        pooled = [at for at, key in enumerate(self._pool) if key is not _NOBODY]
        drawn = [self._main[self._draw()] for _ in range(self._fresh)]
        compared = [leaver, *(self._pool[at] for at in pooled), *drawn]
        found = [float(value) for value in score(compared)]
        lowest, least = leaver, found[0]
        for at, value in zip(pooled, found[1:], strict=False):
            self._pool_score[at] = value
            if value < least:
                lowest, least = self._pool[at], value
        for key, value in zip(drawn, found[1 + len(pooled) :], strict=True):
            if key in self._pool:
                continue
            if value < least:
                lowest, least = key, value
            self._remember(key, value)
        return lowest

    def _remember(self, key: Hashable, value: float) -> None:
        """Take the place of the best of the pool, if this one is worse."""
        if not self._pool:
            return
        best = max(range(len(self._pool)), key=self._pool_score.__getitem__)
        if self._pool_score[best] > value:
            self._pool[best], self._pool_score[best] = key, value

    def _draw(self) -> int:
        """A random resident's place (xorshift: Marsaglia, J. Statistical Software 8(14), 2003)."""
        state = self._random
        state ^= (state << 13) & _BITS
        state ^= state >> 7
        state ^= (state << 17) & _BITS
        self._random = state
        return (state >> 11) % len(self._main)
