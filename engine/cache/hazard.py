"""How likely a result is asked for again at each age, learned online: tables of reuse hazards.

A request belongs to one class of each table. What is counted is how many of a class were asked for
again at an age, out of those that reached it. The Gittins index of a class and an age is the best
rate of hits per request held that can still be had: max over h of P(reuse within h) / E[time held].

Sources: hit density, Beckmann, Chen, Cidon, "LHD: Improving cache hit rate by maximizing hit
density", NSDI 2018; the index, Gittins, "Bandit processes and dynamic allocation indices",
J. Royal Statistical Society B 41 (1979).
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from engine.cache.jit import apart, compiled, inlined

BINS = 40
"""Bins of age, two an octave: ages up to a million requests."""
GROUPS = 64
"""Endpoints told apart; those from the last on share one class."""
RECENCY, COUNTERS, GROUP = 0, 64, 128
"""First row of each table: last gap x count; two decayed counters; endpoint x asked for once."""
ROWS = GROUP + 2 * GROUPS

_EDGES = 2.0 ** (np.arange(BINS + 1) / 2.0) - 1.0
_PRIOR_REUSES, _PRIOR_REACHED = 0.02, 1.0
_LOOK_AHEAD = 8.0
_TINY = 1e-9


class Hazard(NamedTuple):
    """The tables, rows of all three below each other; counts decay at each `refresh`.

    Args:
        reused: asked for again at that age, float64[ROWS, BINS].
        left: forgotten at that age without, float64[ROWS, BINS].
        gittins: log2 of hits per lifetime of the cache, float32[ROWS, BINS].
        soon: probability of reuse within one lifetime, float32[ROWS, BINS].
    """

    reused: NDArray[np.float64]
    left: NDArray[np.float64]
    gittins: NDArray[np.float32]
    soon: NDArray[np.float32]


def empty(lifetime: float) -> Hazard:
    """Tables that have seen nothing, their index that of the prior."""
    made = Hazard(
        np.zeros((ROWS, BINS)),
        np.zeros((ROWS, BINS)),
        np.zeros((ROWS, BINS), np.float32),
        np.zeros((ROWS, BINS), np.float32),
    )
    _weigh(made, 0, lifetime)
    made.gittins[:] = made.gittins[0]
    made.soon[:] = made.soon[0]
    return made


@inlined
def bin_of(age: float) -> int:
    """The bin of an age in requests."""
    return min(int(2.0 * math.log2(1.0 + age)), BINS - 1)


@apart
def recency_class(gap: float, count: float) -> int:
    """The row of the first table; `gap` is log2(1 + last gap) relative to the lifetime's."""
    if count < 1.5:
        return RECENCY
    octave = 0 if count < 2.5 else 1
    for bound in (4.5, 8.5, 16.5, 40.5, 120.5):
        if count >= bound:
            octave += 1
    return RECENCY + 1 + octave * 9 + min(max(int(gap + 5.0), 0), 8)


@apart
def counters_class(short: float, long: float) -> int:
    """The row of the second table, of counters that were just incremented (at least 1)."""
    return (
        COUNTERS
        + 8 * min(max(int(1.5 * math.log2(short)), 0), 7)
        + min(max(int(1.5 * math.log2(long)), 0), 7)
    )


@inlined
def group_class(group: int, count: float) -> int:
    """The row of the third table."""
    return GROUP + 2 * group + (1 if count > 1.5 else 0)


@apart
def refresh(tables: Hazard, lifetime: float, decay: float) -> None:
    """Compute the indices of all classes seen so far from their counts, then decay the counts."""
    for row in range(ROWS):
        seen = 0.0
        for age in range(BINS):
            seen += tables.reused[row, age] + tables.left[row, age]
        if seen > 0.0:
            _weigh(tables, row, lifetime)
            for age in range(BINS):
                tables.reused[row, age] *= decay
                tables.left[row, age] *= decay


@compiled
def _weigh(tables: Hazard, row: int, lifetime: float) -> None:
    hazard = np.zeros(BINS)
    reached = 0.0
    for age in range(BINS - 1, -1, -1):
        reached += tables.reused[row, age] + tables.left[row, age]
        rate = (tables.reused[row, age] + _PRIOR_REUSES) / (reached + _PRIOR_REACHED)
        hazard[age] = min(rate, 0.999)
    for age in range(BINS):
        alive, reuse, held, best, soon = 1.0, 0.0, 0.0, 0.0, 0.0
        for later in range(age, BINS):
            width = _EDGES[later + 1] - _EDGES[later]
            held += alive * width * (1.0 - 0.5 * hazard[later])
            reuse += alive * hazard[later]
            alive *= 1.0 - hazard[later]
            best = max(best, reuse / held)
            waited = _EDGES[later] - _EDGES[age]
            if waited < lifetime:
                soon = reuse
            if waited > _LOOK_AHEAD * lifetime:
                break
        tables.gittins[row, age] = math.log2(best + _TINY) + math.log2(lifetime)
        tables.soon[row, age] = soon
