"""Belady: what will be asked for the furthest in the future goes; the optimum for equal sizes."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from engine.cache.base import OfflinePolicy, Replay, Room
from engine.cache.future import NEVER, next_use
from engine.cache.heap import Heap, contains, least, new_heap, put, remove
from engine.cache.jit import compiled, helper
from engine.cache.stepping import (
    CAPACITY,
    USED,
    Array,
    at,
    columns,
    new_tally,
    new_weights,
    weigh,
)
from engine.traces.trace import Requests


class _State(NamedTuple):
    heap: Heap
    weights: Array
    tally: Array


class Belady(OfflinePolicy):
    """The farthest next request goes, and a newcomer with a farther one is not kept at all.

    With the right to pass a result by, no policy over results of equal size has more hits. With
    mixed sizes it is a reference, not a bound, and so it is for costs.
    """

    name = "belady"
    title = "Belady (optimum)"
    paper = (
        "L. A. Belady, A study of replacement algorithms for a virtual-storage computer, IBM "
        "Systems Journal 1966"
    )
    idea = "knows the future: evicts, or passes by, what is needed last"

    def start_for(self, room: Room, requests: Requests, seed: int = 0) -> Replay:  # noqa: ARG002
        """An empty cache that will be fed exactly `requests`, from the first on."""
        return _Foretold(room, next_use(requests))


class _Foretold(Replay):
    def __init__(self, room: Room, following: NDArray[np.int64]) -> None:
        self._by_bytes = room.by_bytes
        self._following = following
        self._fed = 0
        heap = new_heap(room.distinct, room.places)
        self._state = _State(heap, new_weights(room), new_tally(room))

    @property
    def used(self) -> int:
        """Results (or bytes) now held."""
        return int(self._state.tally[USED])

    def feed(self, requests: Requests) -> NDArray[np.bool_]:
        """Replay the next requests; True where the result was held, bool[n]."""
        hits = np.zeros(len(requests), np.bool_)
        keys, sizes, _ = columns(requests, self._by_bytes)
        following = self._following[self._fed : self._fed + len(requests)]
        self._fed += len(requests)
        _run(self._state, keys, sizes, following, hits)
        return hits


@compiled
def _run(state: _State, keys: Array, sizes: Array, following: Array, hits: Array) -> None:
    for i in range(len(keys)):
        key = int(keys[i])
        hits[i] = contains(state.heap, key)
        if hits[i]:
            _renew(state, key, following[i])
        elif following[i] != NEVER and at(sizes, i) <= state.tally[CAPACITY]:
            _load(state, key, at(sizes, i), following[i])


@helper
def _renew(state: _State, key: int, following: int) -> None:
    if following == NEVER:
        _drop(state, key)
    else:
        put(state.heap, key, -float(following))


@helper
def _load(state: _State, key: int, weight: int, following: int) -> None:
    tally = state.tally
    while tally[USED] + weight > tally[CAPACITY]:
        furthest = least(state.heap)
        if -state.heap.rank[0, 0] < following:
            return
        _drop(state, furthest)
    weigh(state.weights, key, weight)
    tally[USED] += weight
    put(state.heap, key, -float(following))


@helper
def _drop(state: _State, key: int) -> None:
    remove(state.heap, key)
    state.tally[USED] -= at(state.weights, key)
