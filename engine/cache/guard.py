"""Choosing online who decides, by what each would have earned.

Every scorer runs a shadow: keys only, on a random sample of the keys and with the capacity scaled
alike, so that it is cheap (spatial sampling: Waldspurger, Park, Garthwaite, Ahmad, "Efficient MRC
construction with SHARDS", FAST 2015). Classics run whole (`engine.cache.followed`). All are
measured on the sampled requests. A sample of the keys is somewhat easier or harder to cache than
all of them; by how much, the cache itself tells while a scorer decides, and else some classics that
run both ways (control variates). What a shadow hits depends on the past alone.

Following a classic costs the loads of what it holds and the cache does not; it has to lead by so
much that this comes back within a half-life of the means (tracking with switching costs: Blum,
Burch, "On-line learning and the metrical task system problem", Machine Learning 39, 2000).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from engine.cache.history import History
from engine.cache.jit import apart, helper
from engine.cache.scorers import Scorers
from engine.cache.segments import Caches, ask

CHOSEN, SCORERS, SINCE = 0, 1, 2
"""Places of `Guard.state`."""
ALL, EASIER, CACHE = 0, 1, 2
"""Places of `Guard.asked`."""

_PLACES = 64
_LEAST_SHARE = 1 / 4
_LIFETIMES, _LEAST_HALF_LIFE = 4, 1000
_MARGIN, _CLASSIC_MARGIN, _RETURN_MARGIN = 0.004, 0.002, 0.002
"""Of the value of all requests: for another scorer, a classic, and back to a scorer."""
_LOAD = 0.5
"""How many of the loads that following a classic costs would have been hits."""
_SETTLED = 2.0
"""Lifetimes after which the cache itself tells what whoever decides is worth."""


class Guard(NamedTuple):
    """Who decides, and what each earned: first the scorers' shadows, then the classics.

    Args:
        sampled: keys that are looked at, bool[U].
        earned: running mean of the value of hits, float64[scorers + classics].
        asked: running mean of the value of all requests, of what controls earned on the sample
            above what they earn whole, and of what the cache itself earned (before it has settled:
            of what is to be expected of it), float64[3].
        state: who decides, the number of scorers, the request since when, int64[3].
        step: of the running means.
        half_life: of the running means, in requests of all keys.
        settled: requests after which a change of who decides no longer shows.
    """

    sampled: NDArray[np.bool_]
    earned: NDArray[np.float64]
    asked: NDArray[np.float64]
    state: NDArray[np.int64]
    step: float
    half_life: float
    settled: float


def share_for(places: float) -> float:
    """The share of keys that shadows see: enough for 64 places, and at least a quarter.

    Args:
        places: of the cache; where results differ in size, how many alike would tell as much.
    """
    return min(1.0, max(_LEAST_SHARE, _PLACES / places))


def guard(
    scorers: int, classics: int, distinct: int, share: float, lifetime: float, seed: int
) -> Guard:
    """A guard that starts with the first scorer; `share` of the keys are sampled."""
    half_life = max(_LEAST_HALF_LIFE, _LIFETIMES * lifetime)
    rng = np.random.default_rng(seed)
    return Guard(
        sampled=rng.random(distinct) < share,
        earned=np.zeros(scorers + classics),
        asked=np.zeros(3),
        state=np.array([0, scorers, 0], np.int64),
        step=1.0 - 0.5 ** (1.0 / (half_life * share)),
        half_life=half_life,
        settled=_SETTLED * lifetime,
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
    hit: bool,
    classics: NDArray[np.bool_],
    easier: float,
) -> None:
    """Show a sampled request to all shadows.

    Args:
        by: the guard.
        of: the real cache and the shadows.
        history: what is known of keys, this request included.
        scorers: of the shadows.
        key: what is asked for.
        size: 1, or its bytes where sizes count.
        now: number of the request.
        value: of a hit.
        hit: whether the cache itself did.
        classics: whether each of them hit, bool[classics].
        easier: share of the controls that hit on the sample, less that of those that hit whole.
    """
    count, chosen = by.state[SCORERS], by.state[CHOSEN]
    stands = 1.0 if hit else 0.0
    is_new = now - by.state[SINCE] < by.settled
    for at in range(count):
        found = ask(of, 1 + at, history, scorers, at, key, size, now)
        _earn(by.earned, at, value if found else 0.0, by.step)
        if at == chosen and is_new:
            stands = (1.0 if found else 0.0) - easier
    for at in range(len(classics)):
        _earn(by.earned, count + at, value if classics[at] else 0.0, by.step)
    _earn(by.asked, ALL, value, by.step)
    _earn(by.asked, EASIER, value * easier, by.step)
    _earn(by.asked, CACHE, value * stands, by.step)


@helper
def _earn(means: NDArray[np.float64], at: int, value: float, step: float) -> None:
    means[at] += step * (value - means[at])


def leader(by: Guard, loads: Callable[[int], float]) -> int:
    """Who should decide from now on.

    Args:
        by: the guard.
        loads: the value of what would have to be loaded to follow a classic, by its number.
    """
    count, chosen = int(by.state[SCORERS]), int(by.state[CHOSEN])
    now = expected(by, chosen)
    gains = np.array([expected(by, at) - now for at in range(len(by.earned))])
    margin = _MARGIN if chosen < count else _RETURN_MARGIN
    gains[:count] -= margin * by.asked[ALL]
    gains[count:] -= _CLASSIC_MARGIN * by.asked[ALL]
    for at in range(count, len(gains)):
        if gains[at] > 0:
            gains[at] -= _LOAD * loads(at - count) / by.half_life
    gains[chosen] = 0.0
    return int(np.argmax(gains))


def expected(by: Guard, at: int) -> float:
    """What a scorer or a classic would earn a request, whole."""
    count, chosen = int(by.state[SCORERS]), int(by.state[CHOSEN])
    if at >= count:
        return float(by.earned[at])
    if chosen < count:
        return float(by.asked[CACHE] + by.earned[at] - by.earned[chosen])
    return float(by.earned[at] - by.asked[EASIER])


def choose(by: Guard, at: int, now: int) -> None:
    """Let a scorer or a classic decide from request `now` on."""
    by.asked[CACHE] = expected(by, at)
    by.state[CHOSEN], by.state[SINCE] = at, now
