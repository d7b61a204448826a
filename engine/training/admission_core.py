"""Caches of an admission agent, stepped from one decision to the next by compiled code.

A cache is LRU in its order; the agent decides whether a missed result takes the place of the
result not asked for the longest. All caches replay the same stretch of requests, so each needs
only to know which keys it holds and from where its oldest is: that one stands at the first
request whose key is held and has not been asked for again since.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from engine.cache.jit import compiled
from engine.training.network import CLIP, KEEP


class Stretch(NamedTuple):
    """The requests that all caches replay.

    Args:
        key: from 0, int32[n].
        again: number of the key's next request, n where none comes, int64[n].
        worth: value of a hit at each request, float64[n].
        rows: features of the key right after each request, float32[n, d].
        mean: of observations, float32[2 d].
        scale: likewise.
        lifetime: of the cache, in requests.
        horizon: requests within which a reuse counts.
        capacity: results held.
        immediate: whether the reward is the hits until the next decision; else it is
            counterfactual.
    """

    key: NDArray[np.int32]
    again: NDArray[np.int64]
    worth: NDArray[np.float64]
    rows: NDArray[np.float32]
    mean: NDArray[np.float32]
    scale: NDArray[np.float32]
    lifetime: float
    horizon: float
    capacity: int
    immediate: bool


class Caches(NamedTuple):
    """n caches, each before a decision.

    Args:
        held: which keys, uint8[n, keys].
        oldest: request at which the would-be victim was asked for last, int64[n].
        now: request whose result was missed, int64[n].
        steps: decisions in this episode, int64[n].
    """

    held: NDArray[np.uint8]
    oldest: NDArray[np.int64]
    now: NDArray[np.int64]
    steps: NDArray[np.int64]


class Outcome(NamedTuple):
    """What a step came to, one entry a cache; episodes end by their limit alone."""

    reward: NDArray[np.float32]
    truncated: NDArray[np.bool_]


def new_caches(count: int, keys: int) -> Caches:
    """So many caches, not yet begun."""
    return Caches(
        np.zeros((count, keys), np.uint8),
        np.zeros(count, np.int64),
        np.zeros(count, np.int64),
        np.zeros(count, np.int64),
    )


def step(caches: Caches, stretch: Stretch, actions: NDArray[np.int64], longest: int) -> Outcome:
    """Obey every agent and go on to its next decision, or to the end of its episode."""
    count = len(actions)
    outcome = Outcome(np.zeros(count, np.float32), np.zeros(count, np.bool_))
    _step(caches, stretch, actions, longest, outcome)
    return outcome


def look(caches: Caches, stretch: Stretch) -> NDArray[np.float32]:
    """The observations, normalised and clipped, float32[n, 2 d]: newcomer, then victim."""
    seen = np.empty((len(caches.now), 2 * stretch.rows.shape[1]), np.float32)
    _look(caches, stretch, seen)
    return seen


@compiled
def _look(caches: Caches, stretch: Stretch, seen: NDArray[np.float32]) -> None:
    for at in range(len(seen)):
        observe(caches, stretch, at, seen[at])
    normalise(seen, stretch.mean, stretch.scale)


@compiled
def begin(caches: Caches, stretch: Stretch, at: int, start: int) -> None:
    """Fill cache `at` as LRU would have been before request `start`; go to its first decision."""
    held = caches.held[at]
    held[:] = 0
    count, place = 0, start
    while count < stretch.capacity and place > 0:
        place -= 1
        if stretch.again[place] >= start:
            held[stretch.key[place]] = 1
            count += 1
    caches.oldest[at] = place
    caches.steps[at] = 0
    now = start
    while now < len(stretch.key) - 1 and held[stretch.key[now]]:
        now += 1
    caches.now[at] = now
    _find_oldest(caches, stretch, at)


@compiled
def observe(caches: Caches, stretch: Stretch, at: int, seen: NDArray[np.float32]) -> None:
    """Write the observation of cache `at`, not normalised, float32[2 d]."""
    d = stretch.rows.shape[1]
    now, oldest = caches.now[at], caches.oldest[at]
    seen[:d] = stretch.rows[now]
    seen[d:] = stretch.rows[oldest]
    seen[d] = np.log2(1.0 + now - oldest) - np.log2(stretch.lifetime)


@compiled
def normalise(
    seen: NDArray[np.float32], mean: NDArray[np.float32], scale: NDArray[np.float32]
) -> None:
    """Normalise and clip rows in place."""
    for at in range(len(seen)):
        for column in range(len(mean)):
            value = (seen[at, column] - mean[column]) / scale[column]
            seen[at, column] = min(max(value, -CLIP), CLIP)


@compiled
def _step(
    caches: Caches,
    stretch: Stretch,
    actions: NDArray[np.int64],
    longest: int,
    outcome: Outcome,
) -> None:
    end = len(stretch.key)
    for at in range(len(actions)):
        now, oldest = caches.now[at], caches.oldest[at]
        reward = 0.0 if stretch.immediate else _duel(stretch, now, oldest, actions[at] == KEEP)
        held = caches.held[at]
        if actions[at] == KEEP:
            held[stretch.key[oldest]] = 0
            held[stretch.key[now]] = 1
        now += 1
        while now < end and held[stretch.key[now]]:
            if stretch.immediate:
                reward += stretch.worth[now]
            now += 1
        caches.steps[at] += 1
        outcome.reward[at] = reward
        outcome.truncated[at] = now >= end or caches.steps[at] >= longest
        caches.now[at] = min(now, end - 1)
        _find_oldest(caches, stretch, at)


@compiled
def _duel(stretch: Stretch, now: int, oldest: int, admitted: bool) -> float:
    """Whether the one that stays is asked for first, worth what that hit is worth.

    Known for both actions from the recording alone, and within the horizon; it is the preference
    that the optimum acts by.
    """
    newcomer, victim = stretch.again[now], stretch.again[oldest]
    sooner = min(newcomer, victim)
    if sooner >= len(stretch.key) or sooner - now > stretch.horizon:
        return 0.0
    worth = float(stretch.worth[sooner])
    return worth if (newcomer < victim) == admitted else -worth


@compiled
def _find_oldest(caches: Caches, stretch: Stretch, at: int) -> None:
    """Go on to the held key that was not asked for the longest before the current request."""
    held, now, place = caches.held[at], caches.now[at], caches.oldest[at]
    while place < now and not (held[stretch.key[place]] and stretch.again[place] >= now):
        place += 1
    caches.oldest[at] = place
