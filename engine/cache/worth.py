"""The frame of LFU and GDSF: the least worth goes, worth growing with every request."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from engine.cache.base import Replay, Room
from engine.cache.heap import Heap, least, new_heap, put, remove
from engine.cache.jit import compiled, helper
from engine.cache.places import Places, free_place, new_places, take_place
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


class _State(NamedTuple):
    places: Places
    heap: Heap
    """Of places."""
    frequency: Array
    """By place."""
    age: Array
    """The priority of what went last (L of the paper), and its weights: of age, of cost."""
    weights: Array
    tally: Array


def start_by_worth(room: Room, *, ageing: bool, by_size: bool, by_cost: bool) -> Replay:
    """An empty cache in which the least frequency times cost by size, plus age, goes first.

    Args:
        room: what it holds.
        ageing: whether a request adds the worth of what went last.
        by_size: whether worth is by byte.
        by_cost: whether worth counts the cost of a miss as known at the request.
    """
    state = _State(
        new_places(room.distinct, room.places),
        new_heap(room.places, room.places),
        np.zeros(room.places, np.int32),
        np.array([0.0, ageing, by_size, by_cost]),
        new_weights(room),
        new_tally(room),
    )
    return Stepper(room, state, _run, _held)


def _held(state: _State) -> NDArray[np.bool_]:
    return np.asarray(state.places.of >= 0)


@compiled
def _run(state: _State, keys: Array, sizes: Array, costs: Array, hits: Array) -> None:
    for i in range(len(keys)):
        hits[i] = _ask(state, int(keys[i]), at(sizes, i), costs[i])


@helper
def _ask(state: _State, key: int, weight: int, cost: float) -> bool:
    tally, place = state.tally, int(state.places.of[key])
    hit = place >= 0
    if not hit:
        if weight > tally[CAPACITY]:
            return False
        _make_room(state, weight)
        place = take_place(state.places, key)
        weigh(state.weights, place, weight)
        tally[USED] += weight
        state.frequency[place] = 0
    state.frequency[place] += 1
    put(state.heap, place, _priority(state, place, cost))
    return hit


@helper
def _priority(state: _State, place: int, cost: float) -> float:
    age, _, by_size, by_cost = state.age
    worth = state.frequency[place] * (cost if by_cost else 1.0)
    return float(age + (worth / at(state.weights, place) if by_size else worth))


@helper
def _make_room(state: _State, weight: int) -> None:
    """Evict until a weight fits.

    The last victim's place stays in the heap: the newcomer takes that very place, and giving it
    another priority costs half as much as taking one out and putting one in.
    """
    tally = state.tally
    while tally[USED] + weight > tally[CAPACITY]:
        victim = least(state.heap)
        state.age[0] = state.heap.rank[0, 0] * state.age[1]
        free_place(state.places, victim)
        tally[USED] -= at(state.weights, victim)
        if tally[USED] + weight > tally[CAPACITY]:
            remove(state.heap, victim)
