"""SIEVE: a hand sweeps the list of loads and takes the first result not asked for since."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from engine.cache.base import Policy, Replay, Room
from engine.cache.jit import compiled, helper
from engine.cache.lists import PREV, last, new_links, push_front, unlink
from engine.cache.places import Places, free_place, new_places, take_place
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

_HAND = OWN
"""The next to look at; the list's own node where the hand starts anew from the back."""


class _State(NamedTuple):
    places: Places
    links: Array
    """Of places."""
    visited: Array
    """By place."""
    weights: Array
    """By place."""
    tally: Array


class Sieve(Policy):
    """SIEVE: lazy promotion and quick demotion with one bit a result."""

    name = "sieve"
    title = "SIEVE"
    paper = (
        "Y. Zhang, J. Yang, Y. Yue, Y. Vigfusson, K. V. Rashmi, SIEVE is simpler than LRU, "
        "NSDI 2024"
    )
    idea = "a moving hand evicts the first result not asked for since its last pass"

    def start(self, room: Room, seed: int = 0) -> Replay:  # noqa: ARG002 - it draws nothing
        """An empty cache."""
        tally = new_tally(room, 1)
        tally[_HAND] = room.places
        state = _State(
            new_places(room.distinct, room.places),
            new_links(room.places, 1),
            np.zeros(room.places, np.bool_),
            new_weights(room),
            tally,
        )
        return Stepper(room, state, _run)


@compiled
def _run(state: _State, keys: Array, sizes: Array, _costs: Array, hits: Array) -> None:
    for i in range(len(keys)):
        hits[i] = _ask(state, int(keys[i]), at(sizes, i))


@helper
def _ask(state: _State, key: int, weight: int) -> bool:
    tally, place = state.tally, state.places.of[key]
    if place >= 0:
        state.visited[place] = True
        return True
    if weight > tally[CAPACITY]:
        return False
    while tally[USED] + weight > tally[CAPACITY]:
        _evict(state)
    place = take_place(state.places, key)
    push_front(state.links, len(state.visited), place)
    state.visited[place] = False
    weigh(state.weights, place, weight)
    tally[USED] += weight
    return False


@helper
def _evict(state: _State) -> None:
    links, tally = state.links, state.tally
    order = len(state.visited)
    victim = tally[_HAND]
    if victim == order:
        victim = last(links, order)
    while state.visited[victim]:
        state.visited[victim] = False
        victim = links[victim, PREV]
        if victim == order:
            victim = last(links, order)
    tally[_HAND] = links[victim, PREV]
    unlink(links, victim)
    free_place(state.places, victim)
    tally[USED] -= at(state.weights, victim)
