"""Choosing online who decides, by what each would have earned.

Every scorer runs a shadow: keys only, on a random sample of the keys and with the capacity scaled
alike, so that it is cheap (spatial sampling: Waldspurger, Park, Garthwaite, Ahmad, "Efficient MRC
construction with SHARDS", FAST 2015). Classics run whole (`engine.cache.followed`). All are
measured on the sampled requests. A sample of the keys is somewhat easier or harder to cache than
all of them; by how much, some classics tell that run both ways (a control variate). What a shadow
hits depends on the past alone.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from engine.cache.history import History
from engine.cache.jit import apart, helper
from engine.cache.scorers import Scorers
from engine.cache.segments import Caches, ask

CHOSEN, SCORERS, SEEN = 0, 1, 2
"""Places of `Guard.state`."""
ALL, EASIER, CACHE = 0, 1, 2
"""Places of `Guard.asked`."""

_PLACES = 128
_LEAST_SHARE = 1 / 16
_LIFETIMES, _LEAST_HALF_LIFE = 4, 1000
_MARGIN, _CLASSIC_MARGIN = 0.002, 0.008


class Guard(NamedTuple):
    """Who decides, and what each earned: first the scorers' shadows, then the classics.

    Args:
        sampled: keys that are looked at, bool[U].
        earned: running mean of the value of hits, float64[scorers + classics].
        asked: running mean of the value of all requests, of what controls earned on the sample
            above what they earn whole, and of what the cache itself earned, float64[3].
        state: who decides, the number of scorers, sampled requests seen, int64[3].
        step: of the running means.
    """

    sampled: NDArray[np.bool_]
    earned: NDArray[np.float64]
    asked: NDArray[np.float64]
    state: NDArray[np.int64]
    step: float


def share_for(places: float) -> float:
    """The share of keys that shadows see: enough for a few hundred places, at least 1/16."""
    return min(1.0, max(_LEAST_SHARE, _PLACES / places))


def guard(
    scorers: int, classics: int, distinct: int, share: float, lifetime: float, seed: int
) -> Guard:
    """A guard that starts with the first scorer; `share` of the keys are sampled."""
    half_life = max(_LEAST_HALF_LIFE, _LIFETIMES * lifetime) * share
    rng = np.random.default_rng(seed)
    return Guard(
        sampled=rng.random(distinct) < share,
        earned=np.zeros(scorers + classics),
        asked=np.zeros(3),
        state=np.array([0, scorers, 0], np.int64),
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
    count = by.state[SCORERS]
    for at in range(count):
        found = ask(of, 1 + at, history, scorers, at, key, size, now)
        _earn(by.earned, at, value if found else 0.0, by.step)
    for at in range(len(classics)):
        _earn(by.earned, count + at, value if classics[at] else 0.0, by.step)
    _earn(by.asked, ALL, value, by.step)
    _earn(by.asked, EASIER, value * easier, by.step)
    _earn(by.asked, CACHE, value if hit else 0.0, by.step)
    by.state[SEEN] += 1


@helper
def _earn(means: NDArray[np.float64], at: int, value: float, step: float) -> None:
    means[at] += step * (value - means[at])


def leader(by: Guard) -> int:
    """Who should decide from now on.

    A scorer gives way to another one whose shadow leads clearly, and to a classic that leads the
    cache itself: both are measured whole, on the same requests. A classic gives way to a scorer
    whose shadow leads it, and to another classic.
    """
    count, chosen = int(by.state[SCORERS]), int(by.state[CHOSEN])
    shadows, classics = by.earned[:count] - by.asked[EASIER], by.earned[count:]
    scorer = int(np.argmax(shadows))
    classic = int(np.argmax(classics)) if len(classics) else -1
    now = by.asked[CACHE] if chosen < count else by.earned[chosen]
    if classic >= 0 and classics[classic] - now > _CLASSIC_MARGIN * by.asked[ALL]:
        return count + classic
    before = shadows[chosen] if chosen < count else now
    return scorer if shadows[scorer] - before > _MARGIN * by.asked[ALL] else chosen
