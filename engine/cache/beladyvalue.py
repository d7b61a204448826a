"""Belady by value: of a sample, the largest wait times size by cost goes; a reference."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from engine.cache.base import OfflinePolicy, Replay, Room
from engine.cache.future import NEVER, next_use
from engine.cache.jit import compiled, helper
from engine.cache.shelf import Shelf, any_of, holds, new_shelf, put_on, take_off
from engine.cache.stepping import (
    CAPACITY,
    OWN,
    USED,
    Array,
    at,
    columns,
    new_tally,
    new_weights,
    weigh,
)
from engine.traces.trace import Requests

_SAMPLE = 128
_NOW = OWN
_FREE = 1e-9
"""Least cost (ms) counted, so that what costs nothing compares by its wait alone."""


class _State(NamedTuple):
    shelf: Shelf
    following: Array
    cost: Array
    weights: Array
    tally: Array


class BeladyValue(OfflinePolicy):
    """Knows the future and weighs it: room and time held per ms that the next hit will save.

    Greedy and sampled: for mixed sizes or costs the true optimum is out of reach (NP-hard), so
    this is a reference that a policy may exceed, not a bound.
    """

    name = "belady-value"
    title = "Belady by value (reference)"
    paper = (
        "after D. S. Berger, N. Beckmann, M. Harchol-Balter, Practical bounds on optimal caching "
        "with variable object sizes, SIGMETRICS 2018 (Belady-Size), with the cost as divisor"
    )
    idea = "knows the future: of 128 drawn at random evicts the most bytes times wait per ms"

    def start_for(self, room: Room, requests: Requests, seed: int = 0) -> Replay:
        """An empty cache that will be fed exactly `requests`; `seed` draws the samples."""
        return _Foretold(room, next_use(requests), seed)


class _Foretold(Replay):
    def __init__(self, room: Room, following: NDArray[np.int64], seed: int) -> None:
        self._by_bytes = room.by_bytes
        self._following = following
        self._state = _State(
            new_shelf(room.distinct, room.places, seed),
            np.zeros(room.distinct, np.int64),
            np.zeros(room.distinct),
            new_weights(room),
            new_tally(room, 1),
        )

    @property
    def used(self) -> int:
        """Results (or bytes) now held."""
        return int(self._state.tally[USED])

    def feed(self, requests: Requests) -> NDArray[np.bool_]:
        """Replay the next requests; True where the result was held, bool[n]."""
        hits = np.zeros(len(requests), np.bool_)
        fed = int(self._state.tally[_NOW])
        following = self._following[fed : fed + len(requests)]
        _run(self._state, *columns(requests, self._by_bytes), following, hits)
        return hits


@compiled
def _run(
    state: _State, keys: Array, sizes: Array, costs: Array, following: Array, hits: Array
) -> None:
    for i in range(len(keys)):
        key = int(keys[i])
        hits[i] = holds(state.shelf, key)
        state.following[key] = following[i]
        state.cost[key] = max(costs[i], _FREE)
        if hits[i] and following[i] == NEVER:
            _drop(state, key)
        elif not hits[i] and following[i] != NEVER and at(sizes, i) <= state.tally[CAPACITY]:
            _load(state, key, at(sizes, i))
        state.tally[_NOW] += 1


@helper
def _load(state: _State, key: int, weight: int) -> None:
    tally = state.tally
    burden = _wait(state, key) * weight
    while tally[USED] + weight > tally[CAPACITY]:
        victim = _victim(state)
        if _wait(state, victim) * at(state.weights, victim) < burden:
            return
        _drop(state, victim)
    put_on(state.shelf, key)
    weigh(state.weights, key, weight)
    tally[USED] += weight


@helper
def _wait(state: _State, key: int) -> float:
    """Requests until the next one for the key, per ms that holding it will save."""
    return float((state.following[key] - state.tally[_NOW]) / state.cost[key])


@helper
def _victim(state: _State) -> int:
    chosen, most = -1, -1.0
    for _ in range(_SAMPLE):
        key = any_of(state.shelf)
        burden = _wait(state, key) * at(state.weights, key)
        if burden > most:
            chosen, most = key, burden
    return chosen


@helper
def _drop(state: _State, key: int) -> None:
    take_off(state.shelf, key)
    state.tally[USED] -= at(state.weights, key)
