"""Always and never: the ends between which every policy lies."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from engine.cache.base import Policy, Replay, Room
from engine.cache.jit import compiled
from engine.cache.stepping import CAPACITY, USED, Array, Stepper, at, new_tally
from engine.traces.trace import Requests


class _State(NamedTuple):
    seen: Array
    tally: Array


class Always(Policy):
    """Keeps everything for ever: what unlimited room would be worth; it heeds no capacity."""

    name = "always"
    title = "Always (unlimited room)"
    paper = "the compulsory misses of M. D. Hill's three Cs, Berkeley 1987"
    idea = "keeps everything for ever, whatever the capacity"
    is_choice = False

    def start(self, room: Room, seed: int = 0) -> Replay:  # noqa: ARG002 - it draws nothing
        """An empty cache."""
        state = _State(np.zeros(room.distinct, np.bool_), new_tally(room))
        state.tally[CAPACITY] = np.iinfo(np.int64).max
        return Stepper(room, state, _run)


class Never(Policy):
    """Keeps nothing: what the requests cost without a cache."""

    name = "never"
    title = "Never (no cache)"
    paper = "none"
    idea = "keeps nothing"
    is_choice = False

    def start(self, room: Room, seed: int = 0) -> Replay:  # noqa: ARG002 - nothing to hold
        """A cache that stays empty."""
        return _Nothing()


class _Nothing(Replay):
    used = 0

    def feed(self, requests: Requests) -> NDArray[np.bool_]:
        """No hits, bool[n]."""
        return np.zeros(len(requests), np.bool_)


@compiled
def _run(state: _State, keys: Array, sizes: Array, _costs: Array, hits: Array) -> None:
    for i in range(len(keys)):
        hits[i] = state.seen[keys[i]]
        if not hits[i]:
            state.seen[keys[i]] = True
            state.tally[USED] += at(sizes, i)
