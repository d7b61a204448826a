"""ARC: recency and frequency in two lists whose shares follow the hits on what they evicted."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from engine.cache.base import Policy, Replay, Room
from engine.cache.jit import compiled, helper
from engine.cache.lists import last, new_links, push_front, unlink
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

_ONCE, _OFTEN, _ONCE_GHOST, _OFTEN_GHOST, _NONE = 0, 1, 2, 3, 4
"""T1, T2, B1 and B2 of the paper, and in none of them."""


class _State(NamedTuple):
    links: Array
    where: Array
    fill: Array
    target: Array
    weights: Array
    tally: Array


class ARC(Policy):
    """Adaptive replacement cache; ghosts of as much as the capacity.

    With sizes, lengths and steps of the adaptation count bytes in place of pages.
    """

    name = "arc"
    title = "ARC"
    paper = "N. Megiddo, D. S. Modha, ARC: a self-tuning, low overhead replacement cache, FAST 2003"
    idea = "balances a list of results asked for once and one of the others by their ghosts' hits"

    def start(self, room: Room, seed: int = 0) -> Replay:  # noqa: ARG002 - it draws nothing
        """An empty cache."""
        state = _State(
            new_links(room.distinct, 4),
            np.full(room.distinct, _NONE, np.int8),
            np.zeros(4, np.int64),
            np.zeros(1),
            new_weights(room),
            new_tally(room),
        )
        return Stepper(room, state, _run, _held)


def _held(state: _State) -> NDArray[np.bool_]:
    return np.asarray(state.where <= _OFTEN)


@compiled
def _run(state: _State, keys: Array, sizes: Array, _costs: Array, hits: Array) -> None:
    for i in range(len(keys)):
        hits[i] = _ask(state, int(keys[i]), at(sizes, i))


@helper
def _ask(state: _State, key: int, weight: int) -> bool:
    tally, where = state.tally, state.where[key]
    if where <= _OFTEN:
        _take(state, key)
        _put(state, key, _OFTEN)
        return True
    if where != _NONE:
        _adapt(state, where, at(state.weights, key))
        _take(state, key)
    if weight > tally[CAPACITY]:
        return False
    while tally[USED] + weight > tally[CAPACITY]:
        _replace(state, where == _OFTEN_GHOST)
    weigh(state.weights, key, weight)
    tally[USED] += weight
    _put(state, key, _ONCE if where == _NONE else _OFTEN)
    _trim(state)
    return False


@helper
def _adapt(state: _State, ghost: int, weight: int) -> None:
    once, often = state.fill[_ONCE_GHOST], state.fill[_OFTEN_GHOST]
    if ghost == _ONCE_GHOST:
        grown = state.target[0] + weight * max(1.0, often / once)
        state.target[0] = min(grown, float(state.tally[CAPACITY]))
    else:
        state.target[0] = max(state.target[0] - weight * max(1.0, once / often), 0.0)


@helper
def _replace(state: _State, for_often: bool) -> None:
    once = state.fill[_ONCE]
    over = once > state.target[0] or (for_often and once == state.target[0])
    source = _ONCE if (once > 0 and over) or state.fill[_OFTEN] == 0 else _OFTEN
    victim = last(state.links, len(state.where) + source)
    _take(state, victim)
    state.tally[USED] -= at(state.weights, victim)
    _put(state, victim, source + 2)


@helper
def _trim(state: _State) -> None:
    """Forget ghosts until T1 + B1 is at most the capacity, and all four at most twice it."""
    fill, capacity = state.fill, state.tally[CAPACITY]
    while fill[_ONCE_GHOST] > 0 and fill[_ONCE] + fill[_ONCE_GHOST] > capacity:
        _take(state, last(state.links, len(state.where) + _ONCE_GHOST))
    while fill[_OFTEN_GHOST] > 0 and fill.sum() > 2 * capacity:
        _take(state, last(state.links, len(state.where) + _OFTEN_GHOST))


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
