"""SLRU: segments of LRU; each hit lifts a result one segment higher."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from engine.cache.base import Policy, Replay, Room
from engine.cache.jit import compiled, helper
from engine.cache.lists import last, linked, new_links, push_front, unlink
from engine.cache.stepping import (
    CAPACITY,
    USED,
    Array,
    Stepper,
    at,
    new_tally,
    new_weights,
    weigh,
)
from engine.errors import PolicyError


class _State(NamedTuple):
    links: Array
    level: Array
    fill: Array
    limit: Array
    weights: Array
    tally: Array


class SLRU(Policy):
    """Segmented LRU.

    Args:
        shares: share of the capacity of each segment, the first for newcomers; they sum to 1. The
            default is probation and 80 % protected; four equal ones are S4LRU (Q. Huang et al.,
            SOSP 2013).

    Raises:
        PolicyError: a share is not above 0, or they do not sum to 1.
    """

    name = "slru"
    title = "SLRU"
    paper = (
        "R. Karedla, J. S. Love, B. G. Wherry, Caching strategies to improve disk system "
        "performance, IEEE Computer 1994"
    )
    idea = "a probation segment of 20 % before a protected one of 80 %"

    def __init__(self, shares: Sequence[float] = (0.2, 0.8)) -> None:
        if min(shares, default=0) <= 0 or abs(sum(shares) - 1) > 1e-9:
            raise PolicyError(f"Segments of {shares} are no shares; give some that sum to 1.")
        self._shares = tuple(shares)

    def start(self, room: Room, seed: int = 0) -> Replay:  # noqa: ARG002 - it draws nothing
        """An empty cache."""
        levels = len(self._shares)
        state = _State(
            new_links(room.distinct, levels),
            np.zeros(room.distinct, np.int8),
            np.zeros(levels, np.int64),
            np.array([int(room.capacity * share) for share in self._shares], np.int64),
            new_weights(room),
            new_tally(room),
        )
        return Stepper(room, state, _run)


@compiled
def _run(state: _State, keys: Array, sizes: Array, _costs: Array, hits: Array) -> None:
    for i in range(len(keys)):
        hits[i] = _ask(state, int(keys[i]), at(sizes, i))


@helper
def _ask(state: _State, key: int, weight: int) -> bool:
    tally = state.tally
    if linked(state.links, key):
        level = min(state.level[key] + 1, len(state.fill) - 1)
        _take(state, key)
        _put(state, key, level)
        _settle(state, level)
        return True
    if weight > tally[CAPACITY]:
        return False
    while tally[USED] + weight > tally[CAPACITY]:
        _evict(state)
    weigh(state.weights, key, weight)
    tally[USED] += weight
    _put(state, key, 0)
    return False


@helper
def _put(state: _State, key: int, level: int) -> None:
    push_front(state.links, len(state.level) + level, key)
    state.level[key] = level
    state.fill[level] += at(state.weights, key)


@helper
def _take(state: _State, key: int) -> None:
    unlink(state.links, key)
    state.fill[state.level[key]] -= at(state.weights, key)


@helper
def _settle(state: _State, level: int) -> None:
    """Let what a segment has too much of fall to the one below; newcomers' may overflow."""
    while level > 0:
        while state.fill[level] > state.limit[level]:
            falling = last(state.links, len(state.level) + level)
            _take(state, falling)
            _put(state, falling, level - 1)
        level -= 1


@helper
def _evict(state: _State) -> None:
    level = 0
    while state.fill[level] == 0:
        level += 1
    victim = last(state.links, len(state.level) + level)
    _take(state, victim)
    state.tally[USED] -= at(state.weights, victim)
