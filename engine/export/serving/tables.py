"""Tables of reuse hazards, learned online: how likely a result is asked for again at each age.

The counts, classes and the Gittins index of Cachescope's compiled core, in NumPy.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

BINS = 40
"""Bins of age, two an octave."""
GROUPS = 64
"""Endpoints told apart; those from the last on share one class."""

_COUNTERS, _GROUP = 64, 128
_ROWS = _GROUP + 2 * GROUPS
_EDGES = 2.0 ** (np.arange(BINS + 1) / 2.0) - 1.0
_COUNT_EDGES = (2.5, 4.5, 8.5, 16.5, 40.5, 120.5)
_PRIOR_REUSES, _PRIOR_REACHED = 0.02, 1.0
_LOOK_AHEAD = 8.0
_TINY = 1e-9


class Tables:
    """Counts by class and age, and what they say.

    Args:
        lifetime: of the cache, in requests.

    Attributes:
        index: log2 of hits per lifetime that the best holding time earns, float32[classes, bins].
        soon: probability of reuse within one lifetime, float32[classes, bins].
    """

    def __init__(self, lifetime: float) -> None:
        self._lifetime = lifetime
        self.every = max(500, int(lifetime / 2))
        self._decay = 0.5 ** (self.every / max(20_000.0, 20 * lifetime))
        self.reused = np.zeros((_ROWS, BINS))
        self.left = np.zeros((_ROWS, BINS))
        index, soon = _weighed(self.reused[:1], self.left[:1], lifetime)
        self.index = np.repeat(index, _ROWS, axis=0)
        self.soon = np.repeat(soon, _ROWS, axis=0)

    def refresh(self) -> None:
        """Compute index and soon of all classes seen so far from their counts, then decay these."""
        seen = np.flatnonzero((self.reused + self.left).sum(axis=1) > 0)
        if len(seen):
            self.index[seen], self.soon[seen] = _weighed(
                self.reused[seen], self.left[seen], self._lifetime
            )
            self.reused[seen] *= self._decay
            self.left[seen] *= self._decay


def bins_of(ages: NDArray[np.float64]) -> NDArray[np.int64]:
    """The bin of each age in requests."""
    found: NDArray[np.int64] = (2.0 * np.log2(1.0 + ages)).astype(np.int64)
    return np.minimum(found, BINS - 1)


def recency_class(gap: float, count: float) -> int:
    """The class by last gap (log2, relative to the lifetime) and count."""
    if count < 1.5:
        return 0
    octave = sum(count >= edge for edge in _COUNT_EDGES)
    return 1 + octave * 9 + min(max(int(gap + 5.0), 0), 8)


def counters_class(short: float, long: float) -> int:
    """The class by two decayed counters, just incremented."""
    first, second = (min(max(int(1.5 * np.log2(c)), 0), 7) for c in (short, long))
    return _COUNTERS + 8 * first + second


def group_class(group: int, count: float) -> int:
    """The class by endpoint and whether the key was asked for more than once."""
    return _GROUP + 2 * group + (1 if count > 1.5 else 0)


def group_classes(groups: NDArray[np.int64], counts: NDArray[np.float32]) -> NDArray[np.int64]:
    """As `group_class`, for many keys."""
    found: NDArray[np.int64] = _GROUP + 2 * groups + (counts > 1.5)
    return found


def _weighed(
    reused: NDArray[np.float64], left: NDArray[np.float64], lifetime: float
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Index and soon of each class and age: the best stopping time is sought bin by bin ahead."""
    reached = np.cumsum((reused + left)[:, ::-1], axis=1)[:, ::-1]
    hazard = np.minimum((reused + _PRIOR_REUSES) / (reached + _PRIOR_REACHED), 0.999)
    shape = hazard.shape
    alive, reuse, held = np.ones(shape), np.zeros(shape), np.zeros(shape)
    best, soon = np.zeros(shape), np.zeros(shape)
    ages = np.arange(BINS)
    for ahead in range(BINS):
        now = ages[: BINS - ahead]
        if ahead:
            now = now[_EDGES[now + ahead - 1] - _EDGES[now] <= _LOOK_AHEAD * lifetime]
        if not len(now):
            break
        later = now + ahead
        rate, width = hazard[:, later], _EDGES[later + 1] - _EDGES[later]
        held[:, now] += alive[:, now] * width * (1.0 - 0.5 * rate)
        reuse[:, now] += alive[:, now] * rate
        alive[:, now] *= 1.0 - rate
        best[:, now] = np.maximum(best[:, now], reuse[:, now] / held[:, now])
        near = now[_EDGES[later] - _EDGES[now] < lifetime]
        soon[:, near] = reuse[:, near]
    index = np.log2(best + _TINY) + np.log2(lifetime)
    return index.astype(np.float32), soon.astype(np.float32)
