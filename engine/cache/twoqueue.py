"""2Q: newcomers in a FIFO; only what is asked for again after leaving it joins the main LRU."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from engine.cache.base import Policy, Replay, Room
from engine.cache.jit import compiled, helper
from engine.cache.lists import last, move_front, new_links, push_front, unlink
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

_NEW, _MAIN, _GHOST, _NONE = 0, 1, 2, 3
"""A1in, Am and A1out of the paper, and in none of them."""


class _State(NamedTuple):
    links: Array
    where: Array
    fill: Array
    limit: Array
    weights: Array
    tally: Array


class TwoQueue(Policy):
    """2Q, the full version: A1in a quarter of the capacity, A1out remembers half of it."""

    name = "2q"
    title = "2Q"
    paper = (
        "T. Johnson, D. Shasha, 2Q: a low overhead high performance buffer management "
        "replacement algorithm, VLDB 1994"
    )
    idea = "a FIFO for newcomers; a second request after leaving it opens the main LRU"

    def start(self, room: Room, seed: int = 0) -> Replay:  # noqa: ARG002 - it draws nothing
        """An empty cache."""
        state = _State(
            new_links(room.distinct, 3),
            np.full(room.distinct, _NONE, np.int8),
            np.zeros(3, np.int64),
            np.array([room.capacity // 4, room.capacity, room.capacity // 2], np.int64),
            new_weights(room),
            new_tally(room),
        )
        return Stepper(room, state, _run, _held)


def _held(state: _State) -> NDArray[np.bool_]:
    return np.asarray(state.where <= _MAIN)


@compiled
def _run(state: _State, keys: Array, sizes: Array, _costs: Array, hits: Array) -> None:
    for i in range(len(keys)):
        hits[i] = _ask(state, int(keys[i]), at(sizes, i))


@helper
def _ask(state: _State, key: int, weight: int) -> bool:
    tally, where = state.tally, state.where[key]
    if where == _MAIN:
        move_front(state.links, len(state.where) + _MAIN, key)
    if where <= _MAIN:
        return True
    if where == _GHOST:
        _take(state, key)
    if weight > tally[CAPACITY]:
        return False
    while tally[USED] + weight > tally[CAPACITY]:
        _evict(state)
    weigh(state.weights, key, weight)
    tally[USED] += weight
    _put(state, key, _MAIN if where == _GHOST else _NEW)
    return False


@helper
def _put(state: _State, key: int, queue: int) -> None:
    push_front(state.links, len(state.where) + queue, key)
    state.where[key] = queue
    state.fill[queue] += at(state.weights, key)


@helper
def _take(state: _State, key: int) -> None:
    unlink(state.links, key)
    state.fill[state.where[key]] -= at(state.weights, key)
    state.where[key] = _NONE


@helper
def _evict(state: _State) -> None:
    fill = state.fill
    queue = _NEW if fill[_NEW] > state.limit[_NEW] or fill[_MAIN] == 0 else _MAIN
    victim = last(state.links, len(state.where) + queue)
    _take(state, victim)
    state.tally[USED] -= at(state.weights, victim)
    if queue == _NEW:
        _put(state, victim, _GHOST)
        while fill[_GHOST] > state.limit[_GHOST]:
            _take(state, last(state.links, len(state.where) + _GHOST))
