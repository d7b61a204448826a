"""LRU: the result not asked for the longest goes."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from engine.cache.base import Policy, Replay, Room
from engine.cache.jit import compiled, helper
from engine.cache.lists import PREV, last, linked, move_front, new_links, push_front, unlink
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


class _State(NamedTuple):
    links: Array
    weights: Array
    tally: Array


class LRU(Policy):
    """Least recently used: one list in order of use."""

    name = "lru"
    title = "LRU"
    paper = "P. J. Denning, The working set model for program behavior, CACM 1968"
    idea = "evicts what was not asked for the longest"

    def start(self, room: Room, seed: int = 0) -> Replay:  # noqa: ARG002 - it draws nothing
        """An empty cache."""
        state = _State(new_links(room.distinct, 1), new_weights(room), new_tally(room))
        return Stepper(room, state, _run, _held)


def _held(state: _State) -> NDArray[np.bool_]:
    return np.asarray(state.links[:-1, PREV] >= 0)


@compiled
def _run(state: _State, keys: Array, sizes: Array, _costs: Array, hits: Array) -> None:
    for i in range(len(keys)):
        hits[i] = _ask(state, int(keys[i]), at(sizes, i))


@helper
def _ask(state: _State, key: int, weight: int) -> bool:
    links, tally = state.links, state.tally
    order = len(links) - 1
    if linked(links, key):
        move_front(links, order, key)
        return True
    if weight > tally[CAPACITY]:
        return False
    while tally[USED] + weight > tally[CAPACITY]:
        victim = last(links, order)
        unlink(links, victim)
        tally[USED] -= at(state.weights, victim)
    push_front(links, order, key)
    weigh(state.weights, key, weight)
    tally[USED] += weight
    return False
