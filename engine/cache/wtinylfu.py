"""W-TinyLFU: what leaves a small LRU window must be more frequent than the main victim."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from engine.cache.base import Policy, Replay, Room
from engine.cache.climbing import ageing_period, climb, new_climb
from engine.cache.jit import compiled, helper
from engine.cache.lists import PREV, last, linked, new_links, push_front, unlink
from engine.cache.sketch import count, estimate, halve, new_sketch
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

_WINDOW, _PROBATION, _PROTECTED = 0, 1, 2
_COUNTED, _HELD = OWN, OWN + 1
_PROTECTED_SHARE = 0.8


class _State(NamedTuple):
    links: Array
    segment: Array
    fill: Array
    sketch: Array
    climb: Array
    weights: Array
    tally: Array


class _WTinyLFU(Policy):
    paper = (
        "G. Einziger, R. Friedman, B. Manes, TinyLFU: a highly efficient cache admission policy, "
        "ACM TOS 2017"
    )
    window: float
    adaptive = False

    def start(self, room: Room, seed: int = 0) -> Replay:  # noqa: ARG002 - it draws nothing
        """An empty cache."""
        state = _State(
            new_links(room.distinct, 3),
            np.zeros(room.distinct, np.int8),
            np.zeros(3, np.int64),
            new_sketch(room.places),
            new_climb(room, self.window, self.adaptive),
            new_weights(room),
            new_tally(room, 2),
        )
        return Stepper(room, state, _run, _held)


class WTinyLFU1(_WTinyLFU):
    """The paper's default: a window of 1 %, at least one result."""

    name = "w-tinylfu-1"
    title = "W-TinyLFU 1 %"
    idea = "an LRU window of 1 %; who leaves it competes by sketched frequency for a main SLRU"
    window = 0.01


class WTinyLFU10(_WTinyLFU):
    """A window of 10 %, at least one result."""

    name = "w-tinylfu-10"
    title = "W-TinyLFU 10 %"
    idea = "the same with a window of 10 %"
    window = 0.1


class WTinyLFU20(_WTinyLFU):
    """A window of 20 %, at least one result."""

    name = "w-tinylfu-20"
    title = "W-TinyLFU 20 %"
    idea = "the same with a window of 20 %"
    window = 0.2


class WTinyLFUAdaptive(_WTinyLFU):
    """The window climbs the hill of the hit ratio, from 1 %."""

    name = "w-tinylfu-adaptive"
    title = "W-TinyLFU adaptive"
    paper = (
        "G. Einziger, O. Eytan, R. Friedman, B. Manes, Adaptive software cache management, "
        "Middleware 2018"
    )
    idea = "the same with a window that grows or shrinks as the hit ratio tells it"
    window = 0.01
    adaptive = True


def _held(state: _State) -> NDArray[np.bool_]:
    return np.asarray(state.links[: len(state.segment), PREV] >= 0)


@compiled
def _run(state: _State, keys: Array, sizes: Array, _costs: Array, hits: Array) -> None:
    for i in range(len(keys)):
        key = int(keys[i])
        _count(state, key)
        hits[i] = linked(state.links, key)
        if hits[i]:
            _touch(state, key)
        elif at(sizes, i) <= state.tally[CAPACITY]:
            _load(state, key, at(sizes, i))
        climb(state.climb, hits[i], state.tally[_HELD])
        _drain(state)


@helper
def _count(state: _State, key: int) -> None:
    count(state.sketch, key)
    state.tally[_COUNTED] += 1
    if state.tally[_COUNTED] >= ageing_period(state.climb, state.tally[_HELD]):
        halve(state.sketch)
        state.tally[_COUNTED] //= 2


@helper
def _touch(state: _State, key: int) -> None:
    segment = _WINDOW if state.segment[key] == _WINDOW else _PROTECTED
    _take(state, key)
    _put(state, key, segment)
    limit = _PROTECTED_SHARE * (state.tally[CAPACITY] - state.climb[0])
    while state.fill[_PROTECTED] > max(limit, 1.0):
        falling = last(state.links, len(state.segment) + _PROTECTED)
        _take(state, falling)
        _put(state, falling, _PROBATION)


@helper
def _load(state: _State, key: int, weight: int) -> None:
    weigh(state.weights, key, weight)
    state.tally[USED] += weight
    state.tally[_HELD] += 1
    _put(state, key, _WINDOW)


@helper
def _drain(state: _State) -> None:
    """Let the window's oldest compete until the window has its size, then the cache its own."""
    window = len(state.segment) + _WINDOW
    while state.fill[_WINDOW] > max(1, int(state.climb[0])):
        candidate = last(state.links, window)
        _take(state, candidate)
        _compete(state, candidate)
    while state.tally[USED] > state.tally[CAPACITY]:
        _evict(state, _victim(state))


@helper
def _compete(state: _State, candidate: int) -> None:
    """Admit a key that is in no segment to probation, or let it go."""
    while state.tally[USED] > state.tally[CAPACITY]:
        victim = _victim(state)
        worse = victim < 0 or state.segment[victim] == _WINDOW
        if worse or estimate(state.sketch, candidate) <= estimate(state.sketch, victim):
            _release(state, candidate)
            return
        _evict(state, victim)
    _put(state, candidate, _PROBATION)


@helper
def _victim(state: _State) -> int:
    """The oldest on probation, else protected, else in the window; -1 without any."""
    for segment in (_PROBATION, _PROTECTED, _WINDOW):
        node = len(state.segment) + segment
        if last(state.links, node) != node:
            return last(state.links, node)
    return -1


@helper
def _evict(state: _State, key: int) -> None:
    _take(state, key)
    _release(state, key)


@helper
def _release(state: _State, key: int) -> None:
    state.tally[USED] -= at(state.weights, key)
    state.tally[_HELD] -= 1


@helper
def _put(state: _State, key: int, segment: int) -> None:
    push_front(state.links, len(state.segment) + segment, key)
    state.segment[key] = segment
    state.fill[segment] += at(state.weights, key)


@helper
def _take(state: _State, key: int) -> None:
    unlink(state.links, key)
    state.fill[state.segment[key]] -= at(state.weights, key)
