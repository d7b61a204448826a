"""Hyperbolic: of a sample, the least requests per time since loading goes."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from engine.cache.base import Policy, Replay, Room
from engine.cache.jit import compiled, helper
from engine.cache.shelf import Shelf, any_of, holds, new_shelf, put_on, take_off
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

_SAMPLE = 64
_NOW = OWN


class _State(NamedTuple):
    shelf: Shelf
    requests: Array
    loaded: Array
    weights: Array
    tally: Array


class Hyperbolic(Policy):
    """Hyperbolic caching with samples of 64; with sizes, requests per time and byte."""

    name = "hyperbolic"
    title = "Hyperbolic"
    paper = (
        "A. Blankstein, S. Sen, M. J. Freedman, Hyperbolic caching: flexible caching for web "
        "applications, USENIX ATC 2017"
    )
    idea = "of 64 drawn at random evicts the least requests per time since loading"

    def start(self, room: Room, seed: int = 0) -> Replay:
        """An empty cache; `seed` draws the samples."""
        state = _State(
            new_shelf(room.distinct, room.places, seed),
            np.zeros(room.distinct, np.int32),
            np.zeros(room.distinct, np.int64),
            new_weights(room),
            new_tally(room, 1),
        )
        return Stepper(room, state, _run)


@compiled
def _run(state: _State, keys: Array, sizes: Array, _costs: Array, hits: Array) -> None:
    for i in range(len(keys)):
        hits[i] = _ask(state, int(keys[i]), at(sizes, i))


@helper
def _ask(state: _State, key: int, weight: int) -> bool:
    tally = state.tally
    tally[_NOW] += 1
    if holds(state.shelf, key):
        state.requests[key] += 1
        return True
    if weight > tally[CAPACITY]:
        return False
    while tally[USED] + weight > tally[CAPACITY]:
        victim = _victim(state)
        take_off(state.shelf, victim)
        tally[USED] -= at(state.weights, victim)
    put_on(state.shelf, key)
    state.requests[key] = 1
    state.loaded[key] = tally[_NOW]
    weigh(state.weights, key, weight)
    tally[USED] += weight
    return False


@helper
def _victim(state: _State) -> int:
    chosen, lowest = -1, np.inf
    for _ in range(_SAMPLE):
        key = any_of(state.shelf)
        held = (state.tally[_NOW] - state.loaded[key]) * at(state.weights, key)
        rate = state.requests[key] / held
        if rate < lowest:
            chosen, lowest = key, rate
    return chosen
