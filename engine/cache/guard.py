"""Choosing online which scorer decides, by what each would have hit.

Every scorer runs a shadow: keys only, on a random sample of the keys and with the capacity scaled
alike, so that it is cheap (spatial sampling: Waldspurger, Park, Garthwaite, Ahmad, "Efficient MRC
construction with SHARDS", FAST 2015). The one whose shadow has lately earned most decides, from the
next request on, over the same residents. What a shadow hits depends on the past alone.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from engine.cache.history import History
from engine.cache.jit import apart
from engine.cache.scorers import Scorers
from engine.cache.segments import Caches, ask

CHOSEN, SEEN = 0, 1
"""Places of `Guard.state`."""

_PLACES = 256
_LEAST_SHARE = 1 / 16
_LIFETIMES, _LEAST_HALF_LIFE = 8, 1000
_MARGIN = 0.002
_EVERY = 50


class Guard(NamedTuple):
    """Who decides, and what each scorer's shadow earned.

    Args:
        sampled: keys that the shadows see, bool[U].
        earned: running mean of the value of hits, by scorer, and last of all requests, float64.
        state: the scorer that decides, sampled requests seen, int64[2].
        step: of the running means.
    """

    sampled: NDArray[np.bool_]
    earned: NDArray[np.float64]
    state: NDArray[np.int64]
    step: float


def share_for(places: float) -> float:
    """The share of keys that shadows see: enough for a few hundred places, at least 1/16."""
    return min(1.0, max(_LEAST_SHARE, _PLACES / places))


def guard(scorers: int, distinct: int, share: float, lifetime: float, seed: int) -> Guard:
    """A guard that starts with the first scorer; `share` of the keys are sampled."""
    half_life = max(_LEAST_HALF_LIFE, _LIFETIMES * lifetime) * share
    rng = np.random.default_rng(seed)
    return Guard(
        sampled=rng.random(distinct) < share,
        earned=np.zeros(scorers + 1),
        state=np.zeros(2, np.int64),
        step=1.0 - 0.5 ** (1.0 / half_life),
    )


@apart
def watch(
    by: Guard,
    of: Caches,
    history: History,
    scorers: Scorers,
    key: int,
    size: int,
    now: int,
    value: float,
) -> None:
    """Show a sampled request to all shadows; every fiftieth time see whether another leads."""
    count = len(by.earned) - 1
    for at in range(count):
        hit = ask(of, 1 + at, history, scorers, at, key, size, now)
        by.earned[at] += by.step * ((value if hit else 0.0) - by.earned[at])
    by.earned[count] += by.step * (value - by.earned[count])
    by.state[SEEN] += 1
    if by.state[SEEN] % _EVERY == 0:
        best = by.state[CHOSEN]
        for at in range(count):
            if by.earned[at] > by.earned[best]:
                best = at
        lead = by.earned[best] - by.earned[by.state[CHOSEN]]
        if lead > _MARGIN * by.earned[count]:
            by.state[CHOSEN] = best
