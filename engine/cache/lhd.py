"""LHD: of a sample, the result with the least expected hits per room and time it will take goes."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from engine.cache.base import Policy, Replay, Room
from engine.cache.density import AGES, CLASSES, class_of, first_density, relearn
from engine.cache.draws import draw
from engine.cache.jit import compiled, helper
from engine.cache.shelf import Shelf, any_place, holds, new_shelf, put_on, take_off
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

_SAMPLE = 32
_LEARN_EVERY = 1 << 14
_EXPLORE_ONE_IN = 32
_EXPLORERS = 0.01
"""Share of the capacity in which results stay although they look poor, so that their ages of a
later hit are learned of."""

_UNKNOWN = 1 << 29
"""Longest age told apart, and that of a result not hit before."""

_NOW, _SHIFT, _EXPLORING, _FULL = OWN, OWN + 1, OWN + 2, OWN + 3


class _State(NamedTuple):
    shelf: Shelf
    asked: Array
    """When what lies at each place of the shelf was last asked for."""
    gaps: Array
    """Its last two ages at a hit, int32[places, 2]."""
    explorer: Array
    """By place."""
    hits: Array
    evictions: Array
    density: Array
    weights: Array
    """By place."""
    tally: Array


class LHD(Policy):
    """Least hit density, with classes of ages at hits; 32 sampled, no applications told apart.

    Unlike the authors' program it learns every 16,384 requests rather than every 2**20, so that it
    learns on short traces too, in 1,024 ages rather than 20,000, and draws all candidates evenly.
    """

    name = "lhd"
    title = "LHD"
    paper = (
        "N. Beckmann, H. Chen, A. Cidon, LHD: improving cache hit rate by maximizing hit density, "
        "NSDI 2018"
    )
    idea = "learns hits per room and time by age; of 32 drawn at random evicts the least"

    def start(self, room: Room, seed: int = 0) -> Replay:
        """An empty cache; `seed` draws the samples."""
        state = _State(
            new_shelf(room.distinct, room.places, seed),
            np.zeros(room.places, np.int64),
            np.zeros((room.places, 2), np.int32),
            np.zeros(room.places, np.bool_),
            np.zeros((CLASSES, AGES)),
            np.zeros((CLASSES, AGES)),
            first_density(),
            new_weights(room),
            new_tally(room, 4),
        )
        return Stepper(room, state, _run)


@compiled
def _run(state: _State, keys: Array, sizes: Array, _costs: Array, hits: Array) -> None:
    tally = state.tally
    for i in range(len(keys)):
        key = int(keys[i])
        hits[i] = holds(state.shelf, key)
        if hits[i]:
            _touch(state, int(state.shelf.place[key]))
        elif at(sizes, i) <= tally[CAPACITY]:
            _load(state, key, at(sizes, i))
        tally[_NOW] += 1
        if tally[_NOW] % _LEARN_EVERY == 0:
            tally[_SHIFT] += relearn(state.hits, state.evictions, state.density)


@helper
def _age(state: _State, place: int) -> int:
    age = (state.tally[_NOW] - state.asked[place]) >> state.tally[_SHIFT]
    return int(min(age, AGES - 1))


@helper
def _class(state: _State, place: int) -> int:
    return class_of((state.gaps[place, 0] + state.gaps[place, 1]) >> state.tally[_SHIFT])


@helper
def _touch(state: _State, place: int) -> None:
    if state.tally[_FULL]:
        state.hits[_class(state, place), _age(state, place)] += 1.0
    state.gaps[place, 1] = state.gaps[place, 0]
    state.gaps[place, 0] = min(state.tally[_NOW] - state.asked[place], _UNKNOWN)
    state.asked[place] = state.tally[_NOW]
    _stop_exploring(state, place)


@helper
def _stop_exploring(state: _State, place: int) -> None:
    if state.explorer[place]:
        state.explorer[place] = False
        state.tally[_EXPLORING] -= at(state.weights, place)


@helper
def _load(state: _State, key: int, weight: int) -> None:
    tally = state.tally
    while tally[USED] + weight > tally[CAPACITY]:
        _evict(state)
    place = int(state.shelf.number[0])
    put_on(state.shelf, key)
    weigh(state.weights, place, weight)
    tally[USED] += weight
    state.asked[place] = tally[_NOW]
    state.gaps[place, 0], state.gaps[place, 1] = 0, _UNKNOWN
    room = _EXPLORERS * tally[CAPACITY] - tally[_EXPLORING]
    state.explorer[place] = weight <= room and draw(state.shelf.chance, _EXPLORE_ONE_IN) == 0
    if state.explorer[place]:
        tally[_EXPLORING] += weight


@helper
def _measure_ages(state: _State) -> None:
    """Let the ages reach over 16 times as many requests as results fit, once that is known."""
    tally = state.tally
    tally[_FULL] = 1
    while AGES << tally[_SHIFT] < 16 * state.shelf.number[0]:
        tally[_SHIFT] += 1


@helper
def _evict(state: _State) -> None:
    if not state.tally[_FULL]:
        _measure_ages(state)
    victim, lowest = -1, np.inf
    for _ in range(_SAMPLE):
        place = any_place(state.shelf)
        age = _age(state, place)
        rank = state.density[_class(state, place), age] / at(state.weights, place)
        if state.explorer[place] and age < AGES - 1:
            rank += 1.0
        if rank < lowest:
            victim, lowest = place, rank
    state.evictions[_class(state, victim), _age(state, victim)] += 1.0
    _stop_exploring(state, victim)
    state.tally[USED] -= at(state.weights, victim)
    _take_off(state, victim)


@helper
def _take_off(state: _State, place: int) -> None:
    """Let go of what lies at a place; the shelf's last goes there with all that is known of it."""
    take_off(state.shelf, int(state.shelf.keys[place]))
    end = state.shelf.number[0]
    state.asked[place] = state.asked[end]
    state.gaps[place, 0], state.gaps[place, 1] = state.gaps[end, 0], state.gaps[end, 1]
    state.explorer[place] = state.explorer[end]
    weigh(state.weights, place, at(state.weights, end))
