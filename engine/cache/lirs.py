"""LIRS: results that come back at short distances stay; the others share one part in a hundred."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from engine.cache.base import Policy, Replay, Room
from engine.cache.jit import compiled, helper
from engine.cache.lists import last, linked, move_front, new_links, push_front, unlink
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

_NONE, _LOW, _HIGH, _GHOST = 0, 1, 2, 3
"""Unknown; LIR; resident HIR; and HIR remembered in the stack without its result."""

_LOW_FILL, _LOW_LIMIT, _GHOST_FILL, _GHOST_LIMIT = OWN, OWN + 1, OWN + 2, OWN + 3


class _State(NamedTuple):
    stack: Array
    queue: Array
    """List 0: resident HIR in order of eviction, from the back; list 1: ghosts by age."""
    kind: Array
    weights: Array
    tally: Array


class LIRS(Policy):
    """Low inter-reference recency set.

    HIR results have 1 % of the capacity (at least 1), as in the paper. The paper's stack has no
    bound; here keys without a result in it are at most as many (or weigh at most as much) as
    `ghosts` times the capacity, as in the implementations that run in production.
    """

    name = "lirs"
    title = "LIRS"
    paper = (
        "S. Jiang, X. Zhang, LIRS: an efficient low inter-reference recency set replacement "
        "policy, SIGMETRICS 2002"
    )
    idea = "keeps what comes back at the shortest distances; newcomers share 1 %"

    def __init__(self, ghosts: int = 2) -> None:
        self._ghosts = ghosts

    def start(self, room: Room, seed: int = 0) -> Replay:  # noqa: ARG002 - it draws nothing
        """An empty cache."""
        tally = new_tally(room, 4)
        tally[_LOW_LIMIT] = room.capacity - max(1, room.capacity // 100)
        tally[_GHOST_LIMIT] = self._ghosts * room.capacity
        state = _State(
            new_links(room.distinct, 1),
            new_links(room.distinct, 2),
            np.zeros(room.distinct, np.int8),
            new_weights(room),
            tally,
        )
        return Stepper(room, state, _run)


@compiled
def _run(state: _State, keys: Array, sizes: Array, _costs: Array, hits: Array) -> None:
    for i in range(len(keys)):
        key = int(keys[i])
        kind = state.kind[key]
        hits[i] = kind in (_LOW, _HIGH)
        if hits[i]:
            _touch(state, key, kind)
        elif at(sizes, i) <= state.tally[CAPACITY]:
            _load(state, key, at(sizes, i))


@helper
def _touch(state: _State, key: int, kind: int) -> None:
    top = len(state.kind)
    if kind == _LOW:
        move_front(state.stack, top, key)
        _prune(state)
    elif linked(state.stack, key) and at(state.weights, key) <= state.tally[_LOW_LIMIT]:
        unlink(state.queue, key)
        move_front(state.stack, top, key)
        _make_low(state, key)
    else:
        move_front(state.queue, top, key)
        _remember(state, key)


@helper
def _load(state: _State, key: int, weight: int) -> None:
    tally = state.tally
    known = state.kind[key] == _GHOST
    if known:
        _forget(state, key)
    while tally[USED] + weight > tally[CAPACITY]:
        _evict(state)
    weigh(state.weights, key, weight)
    tally[USED] += weight
    fits = tally[_LOW_FILL] + weight <= tally[_LOW_LIMIT]
    if fits or (known and weight <= tally[_LOW_LIMIT]):
        push_front(state.stack, len(state.kind), key)
        _make_low(state, key)
    else:
        state.kind[key] = _HIGH
        push_front(state.queue, len(state.kind), key)
        _remember(state, key)


@helper
def _remember(state: _State, key: int) -> None:
    """Put a resident HIR on top of the stack; without a LIR below it there is no stack."""
    if linked(state.stack, key):
        unlink(state.stack, key)
    if state.tally[_LOW_FILL] > 0:
        push_front(state.stack, len(state.kind), key)


@helper
def _make_low(state: _State, key: int) -> None:
    """Count a key on top of the stack as LIR; those at the bottom make room for it."""
    state.kind[key] = _LOW
    state.tally[_LOW_FILL] += at(state.weights, key)
    while state.tally[_LOW_FILL] > state.tally[_LOW_LIMIT]:
        _demote(state)
    _prune(state)


@helper
def _demote(state: _State) -> None:
    """The LIR at the bottom of the stack becomes the last of the resident HIR."""
    _prune(state)
    bottom = last(state.stack, len(state.kind))
    unlink(state.stack, bottom)
    state.tally[_LOW_FILL] -= at(state.weights, bottom)
    state.kind[bottom] = _HIGH
    push_front(state.queue, len(state.kind), bottom)


@helper
def _prune(state: _State) -> None:
    """Take HIR off the bottom of the stack until a LIR lies there."""
    top = len(state.kind)
    bottom = last(state.stack, top)
    while bottom != top and state.kind[bottom] != _LOW:
        if state.kind[bottom] == _GHOST:
            _forget(state, bottom)
        else:
            unlink(state.stack, bottom)
        bottom = last(state.stack, top)


@helper
def _forget(state: _State, ghost: int) -> None:
    unlink(state.stack, ghost)
    unlink(state.queue, ghost)
    state.tally[_GHOST_FILL] -= at(state.weights, ghost)
    state.kind[ghost] = _NONE


@helper
def _evict(state: _State) -> None:
    """The first resident HIR goes; while it is in the stack its key is remembered."""
    tally, waiting = state.tally, len(state.kind)
    if last(state.queue, waiting) == waiting:
        _demote(state)
    victim = last(state.queue, waiting)
    unlink(state.queue, victim)
    tally[USED] -= at(state.weights, victim)
    if not linked(state.stack, victim):
        state.kind[victim] = _NONE
        return
    state.kind[victim] = _GHOST
    push_front(state.queue, waiting + 1, victim)
    tally[_GHOST_FILL] += at(state.weights, victim)
    while tally[_GHOST_FILL] > tally[_GHOST_LIMIT]:
        _forget(state, last(state.queue, waiting + 1))
