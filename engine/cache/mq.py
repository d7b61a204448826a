"""MQ: eight LRU queues by frequency; what is not asked for in time sinks a queue."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from engine.cache.base import Policy, Replay, Room
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

_QUEUES = 8
_GHOST = 8
"""Qout of the paper: keys that left, with their frequency."""

_NONE = 9
_GHOST_FILL, _GHOST_LIMIT, _NOW, _LIFETIME = OWN, OWN + 1, OWN + 2, OWN + 3


class _State(NamedTuple):
    links: Array
    where: Array
    frequency: Array
    expires: Array
    weights: Array
    tally: Array


class MQ(Policy):
    """Multi-queue.

    Args:
        lifetime: requests that a result may wait in its queue before it sinks. The paper sets it
            to the peak of the reuse distances; 10,000 is the default of the simulator that this
            one is checked against.
    """

    name = "mq"
    title = "MQ"
    paper = (
        "Y. Zhou, J. Philbin, K. Li, The multi-queue replacement algorithm for second level "
        "buffer caches, USENIX ATC 2001"
    )
    idea = "eight LRU queues by the logarithm of the frequency; idle results sink"

    def __init__(self, lifetime: int = 10_000) -> None:
        self._lifetime = lifetime

    def start(self, room: Room, seed: int = 0) -> Replay:  # noqa: ARG002 - it draws nothing
        """An empty cache."""
        tally = new_tally(room, 4)
        tally[_GHOST_LIMIT] = 4 * room.capacity
        tally[_LIFETIME] = self._lifetime
        state = _State(
            new_links(room.distinct, _QUEUES + 1),
            np.full(room.distinct, _NONE, np.int8),
            np.zeros(room.distinct, np.int32),
            np.zeros(room.distinct, np.int64),
            new_weights(room),
            tally,
        )
        return Stepper(room, state, _run, _held)


def _held(state: _State) -> NDArray[np.bool_]:
    return np.asarray(state.where < _GHOST)


@compiled
def _run(state: _State, keys: Array, sizes: Array, _costs: Array, hits: Array) -> None:
    for i in range(len(keys)):
        hits[i] = _ask(state, int(keys[i]), at(sizes, i))


@helper
def _ask(state: _State, key: int, weight: int) -> bool:
    tally, where = state.tally, state.where[key]
    hit = bool(where < _GHOST)
    if where != _NONE:
        _forget(state, key)
    else:
        state.frequency[key] = 0
    if not hit:
        if weight > tally[CAPACITY]:
            return False
        while tally[USED] + weight > tally[CAPACITY]:
            _evict(state)
        weigh(state.weights, key, weight)
        tally[USED] += weight
    state.frequency[key] += 1
    _put(state, key, _queue_of(state.frequency[key]))
    _sink(state)
    return hit


@helper
def _queue_of(frequency: int) -> int:
    queue = 0
    while frequency > 1 and queue < _QUEUES - 1:
        frequency >>= 1
        queue += 1
    return queue


@helper
def _put(state: _State, key: int, queue: int) -> None:
    push_front(state.links, len(state.where) + queue, key)
    state.where[key] = queue
    state.expires[key] = state.tally[_NOW] + state.tally[_LIFETIME]


@helper
def _forget(state: _State, key: int) -> None:
    """Take a key out of its queue; what it occupied stays counted unless it was a ghost."""
    unlink(state.links, key)
    if state.where[key] == _GHOST:
        state.tally[_GHOST_FILL] -= at(state.weights, key)
    state.where[key] = _NONE


@helper
def _sink(state: _State) -> None:
    """Adjust of the paper: the back of each queue falls by one when its time is up."""
    tally = state.tally
    tally[_NOW] += 1
    for queue in range(1, _QUEUES):
        node = len(state.where) + queue
        idle = last(state.links, node)
        if idle != node and state.expires[idle] < tally[_NOW]:
            _forget(state, idle)
            _put(state, idle, queue - 1)


@helper
def _evict(state: _State) -> None:
    tally, node = state.tally, len(state.where)
    while last(state.links, node) == node:
        node += 1
    victim = last(state.links, node)
    _forget(state, victim)
    tally[USED] -= at(state.weights, victim)
    push_front(state.links, len(state.where) + _GHOST, victim)
    state.where[victim] = _GHOST
    tally[_GHOST_FILL] += at(state.weights, victim)
    while tally[_GHOST_FILL] > tally[_GHOST_LIMIT]:
        _forget(state, last(state.links, len(state.where) + _GHOST))
