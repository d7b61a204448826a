"""The frame of S3-FIFO and Clock2Q+: a small queue, a main one with reinsertion, and ghosts."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from engine.cache.base import Replay, Room
from engine.cache.jit import compiled, helper
from engine.cache.lists import last, new_links, push_front, unlink
from engine.cache.stepping import (
    CAPACITY,
    OWN,
    USED,
    Array,
    Stepper,
    at,
    new_tally,
    new_weights,
    weigh,
)

_SMALL, _MAIN, _GHOST, _NONE = 0, 1, 2, 3
_MAX_BYTE = 127
_THRESHOLD, _MOST, _WINDOW, _LOADS, _FULL = OWN, OWN + 1, OWN + 2, OWN + 3, OWN + 4


class _State(NamedTuple):
    links: Array
    where: Array
    frequency: Array
    loaded: Array
    fill: Array
    limit: Array
    weights: Array
    tally: Array


def start_three_queues(room: Room, threshold: int, most: int, window: float) -> Replay:
    """An empty cache of three queues: a tenth small, the rest main, ghosts for nine tenths.

    Args:
        room: what it holds.
        threshold: requests in the small queue that carry a result into the main one.
        most: rounds in the main queue that requests can earn.
        window: share of the small queue's capacity; requests within so many loads (bytes) after
            a result's own earn nothing (correlated references).
    """
    small = room.capacity // 10
    tally = new_tally(room, 5)
    tally[_THRESHOLD], tally[_MOST] = threshold, most
    tally[_WINDOW] = int(np.ceil(small * window))
    limit = [small, room.capacity - small, room.capacity * 9 // 10]
    state = _State(
        new_links(room.distinct, 3),
        np.full(room.distinct, _NONE, np.int8),
        np.zeros(room.distinct, np.int8),
        np.zeros(room.distinct if window else 0, np.int64),
        np.zeros(3, np.int64),
        np.array(limit, np.int64),
        new_weights(room),
        tally,
    )
    return Stepper(room, state, _run, _held)


def _held(state: _State) -> NDArray[np.bool_]:
    return np.asarray(state.where <= _MAIN)


@compiled
def _run(state: _State, keys: Array, sizes: Array, _costs: Array, hits: Array) -> None:
    for i in range(len(keys)):
        key = int(keys[i])
        hits[i] = state.where[key] <= _MAIN
        if hits[i]:
            _touch(state, key)
        elif at(sizes, i) <= state.tally[CAPACITY]:
            _load(state, key, at(sizes, i))


@helper
def _touch(state: _State, key: int) -> None:
    in_small = state.where[key] == _SMALL
    if in_small and _since_load(state, key) < state.tally[_WINDOW]:
        return
    if state.frequency[key] < _MAX_BYTE:
        state.frequency[key] += 1


@helper
def _since_load(state: _State, key: int) -> int:
    """Loads (bytes) into the small queue since the key's own; 0 where no window asks for it."""
    return state.tally[_LOADS] - state.loaded[key] if len(state.loaded) else 0


@helper
def _load(state: _State, key: int, weight: int) -> None:
    tally = state.tally
    queue = _SMALL
    if state.where[key] == _GHOST:
        _take(state, key)
        queue = _MAIN
    while tally[USED] + weight > tally[CAPACITY]:
        tally[_FULL] = 1
        _evict(state)
    if not tally[_FULL] and state.fill[_SMALL] >= state.limit[_SMALL]:
        # While the cache first fills, what the small queue cannot take goes to the main one.
        queue = _MAIN
    weigh(state.weights, key, weight)
    tally[USED] += weight
    state.frequency[key] = 0
    _put(state, key, queue)
    if queue == _SMALL:
        tally[_LOADS] += weight
        if len(state.loaded):
            state.loaded[key] = tally[_LOADS]


@helper
def _evict(state: _State) -> None:
    fill = state.fill
    if fill[_MAIN] > state.limit[_MAIN] or fill[_SMALL] == 0:
        _evict_main(state)
    else:
        _evict_small(state)


@helper
def _evict_small(state: _State) -> None:
    """Carry what earned it into the main queue, up to the first that did not: it goes."""
    fill = state.fill
    while fill[_SMALL] > 0:
        victim = last(state.links, len(state.where) + _SMALL)
        _take(state, victim)
        if state.frequency[victim] < state.tally[_THRESHOLD]:
            state.tally[USED] -= at(state.weights, victim)
            _put(state, victim, _GHOST)
            while fill[_GHOST] > state.limit[_GHOST]:
                _take(state, last(state.links, len(state.where) + _GHOST))
            return
        state.frequency[victim] = 0
        _put(state, victim, _MAIN)


@helper
def _evict_main(state: _State) -> None:
    """Give every round earned, up to the first result without one: it goes."""
    while True:
        victim = last(state.links, len(state.where) + _MAIN)
        _take(state, victim)
        rounds = min(int(state.frequency[victim]), state.tally[_MOST])
        if rounds == 0:
            state.tally[USED] -= at(state.weights, victim)
            return
        state.frequency[victim] = rounds - 1
        _put(state, victim, _MAIN)


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
