"""Which keys a learned cache holds: a window of the most recent, and scored residents.

The same structure, draws and order of comparison as Cachescope's compiled core, so that a replay
evicts the same keys.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Score = Callable[[Sequence[Hashable]], NDArray[Any]]
"""The worth of keeping each of some keys."""


class Judge(NamedTuple):
    """Who says what keys are worth: the reuse index of all, the policy of the few it puts last."""

    quick: Score
    worth: Score


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
        asked: about how many of them the policy is asked.
        seed: of these draws.
    """

    def __init__(
        self, capacity: int, window: float, pool: int, fresh: int, asked: int, seed: int
    ) -> None:
        self._window_most = min(capacity, max(1, int(window * capacity)))
        self._main_most = capacity - self._window_most
        self._fresh, self._asked = fresh, asked
        self._window: OrderedDict[Hashable, None] = OrderedDict()  # the least recent first
        self._main: list[Hashable] = []
        self._place: dict[Hashable, int] = {}
        self._sizes: dict[Hashable, float] = {}
        self._window_used = self._main_used = 0.0
        self._pool: list[Hashable] = [_NOBODY] * pool
        self._pool_score = [_WORST] * pool
        self._random = first_draw(seed)

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

    def enter(self, key: Hashable, size: float, judge: Judge | None) -> list[Hashable]:
        """Hold a new key; returns those to be evicted for it, already out of here or not.

        Args:
            key: not held yet.
            size: at most the capacity.
            judge: of what keys are worth; None where nothing can be said of them: then what leaves
                the window stays, and the caller removes whom it likes.
        """
        self._sizes[key] = size
        self._window[key] = None
        self._window_used += size
        evicted: list[Hashable] = []
        while self._window_used > self._window_most:
            leaver, _ = self._window.popitem(last=False)
            self._window_used -= self._sizes[leaver]
            evicted += self._promote(leaver, judge)
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

    def _promote(self, leaver: Hashable, judge: Judge | None) -> list[Hashable]:
        size, evicted = self._sizes[leaver], []
        while judge is not None and self._main_used + size > self._main_most:
            lowest = self._lowest(leaver, judge) if size <= self._main_most else leaver
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

    def _lowest(self, leaver: Hashable, judge: Judge) -> Hashable:
        """Who is worth least: the leaver, a resident of the pool, or one drawn afresh."""
        pooled = [at for at, key in enumerate(self._pool) if key is not _NOBODY]
        drawn = [self._main[self._draw()] for _ in range(self._fresh)]
        compared = [*(self._pool[at] for at in pooled), *drawn]
        found = [float(value) for value in judge.quick(compared)]
        seen = list(zip(found, compared, strict=True))[: len(pooled)]
        for at, value in zip(pooled, found, strict=False):
            self._pool_score[at] = value
        for key, value in zip(drawn, found[len(pooled) :], strict=True):
            if key not in self._pool:
                seen.append((value, key))
                self._remember(key, value)
        asked = [leaver, *_lowest_first(seen, self._asked)]
        return asked[int(np.argmin(judge.worth(asked)))]

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


def first_draw(seed: int) -> int:
    """The state that random draws begin with, from 1 to 2**63 - 1."""
    return int(np.random.default_rng(seed).integers(1, 2**63))


def _lowest_first(seen: list[tuple[float, Hashable]], wanted: int) -> list[Hashable]:
    """The keys of the lowest, in the order in which the compiled core finds them."""
    for place in range(min(wanted, len(seen))):
        lowest = min(range(place, len(seen)), key=lambda at: seen[at][0])
        seen[place], seen[lowest] = seen[lowest], seen[place]
    return [key for _, key in seen[:wanted]]
