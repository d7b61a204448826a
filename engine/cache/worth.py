"""The frame of LFU and GDSF: the least worth goes, worth growing with every request."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from engine.cache.base import Replay, Room
from engine.cache.heap import Heap, contains, least, new_heap, put, remove
from engine.cache.jit import compiled, helper
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
    heap: Heap
    frequency: Array
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
        new_heap(room.distinct, room.places),
        np.zeros(room.distinct, np.int32),
        np.array([0.0, ageing, by_size, by_cost]),
        new_weights(room),
        new_tally(room),
    )
    return Stepper(room, state, _run)


@compiled
def _run(state: _State, keys: Array, sizes: Array, costs: Array, hits: Array) -> None:
    for i in range(len(keys)):
        hits[i] = _ask(state, int(keys[i]), at(sizes, i), costs[i])


@helper
def _ask(state: _State, key: int, weight: int, cost: float) -> bool:
    heap, tally = state.heap, state.tally
    hit = contains(heap, key)
    if not hit:
        if weight > tally[CAPACITY]:
            return False
        while tally[USED] + weight > tally[CAPACITY]:
            _evict(state)
        weigh(state.weights, key, weight)
        tally[USED] += weight
        state.frequency[key] = 0
    state.frequency[key] += 1
    put(heap, key, _priority(state, key, cost))
    return hit


@helper
def _priority(state: _State, key: int, cost: float) -> float:
    age, _, by_size, by_cost = state.age
    worth = state.frequency[key] * (cost if by_cost else 1.0)
    return float(age + (worth / at(state.weights, key) if by_size else worth))


@helper
def _evict(state: _State) -> None:
    victim = least(state.heap)
    state.age[0] = state.heap.priority[victim] * state.age[1]
    remove(state.heap, victim)
    state.tally[USED] -= at(state.weights, victim)
