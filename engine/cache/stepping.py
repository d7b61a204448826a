"""What all compiled policies share: their tally, and a replay whose state is arrays."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from engine.cache.base import Replay, Room
from engine.cache.jit import helper, settled
from engine.errors import PolicyError
from engine.traces.trace import Requests

USED = 0
"""Place of the results (or bytes) now held in every tally."""

CAPACITY = 1
"""Place of the most that may be held."""

OWN = 2
"""First place of a tally that is a policy's own."""

Array = NDArray[Any]


class State(Protocol):
    """Named arrays; `tally` (int64) begins with USED and CAPACITY."""

    @property
    def tally(self) -> Array:
        """Numbers that the policy keeps."""


Holds = Callable[[Any], NDArray[np.bool_]]
Run = Callable[[Any, Array, Array, Array, Array], None]
"""A compiled function (state, key[n], size[n], cost[n], hits[n]) that fills `hits`.

`size` is empty where sizes do not count: read it with `at`.
"""


class Stepper(Replay):
    """A replay of compiled code over arrays, which it carries from one `feed` to the next.

    Args:
        room: how much it holds.
        state: its arrays.
        run: steps them over requests.
        holds: from the arrays to which keys are held, bool[keys]; None where nobody asks.
    """

    def __init__(self, room: Room, state: State, run: Run, holds: Holds | None = None) -> None:
        self._by_bytes = room.by_bytes
        self._state = state
        self._run = run
        self._holds = holds

    @property
    def used(self) -> int:
        """Results (or bytes) now held."""
        return int(self._state.tally[USED])

    def held(self) -> NDArray[np.bool_]:
        """Which keys are held now, bool[keys].

        Raises:
            PolicyError: this policy cannot tell.
        """
        if self._holds is None:
            raise PolicyError("This policy cannot tell what it holds; follow another one.")
        return self._holds(self._state)

    def feed(self, requests: Requests) -> NDArray[np.bool_]:
        """Replay the next requests; True where the result was held, bool[n]."""
        hits = np.zeros(len(requests), np.bool_)
        self._run(self._state, *columns(requests, self._by_bytes), hits)
        return hits


def columns(requests: Requests, by_bytes: bool) -> tuple[Array, Array, Array]:
    """Keys, sizes (empty unless they count) and costs as compiled code takes them."""
    return (
        settled(requests.key, np.int32),
        settled(requests.size if by_bytes else [], np.int64),
        settled(requests.cost, np.float64),
    )


def new_tally(room: Room, own: int = 0) -> Array:
    """A tally with `own` places more, int64."""
    tally = np.zeros(OWN + own, np.int64)
    tally[CAPACITY] = room.capacity
    return tally


def new_weights(room: Room) -> Array:
    """Sizes of what is held by key, int64; empty unless they count: read it with `at`."""
    return np.zeros(room.distinct if room.by_bytes else 0, np.int64)


@helper
def at(weights: Array, index: int) -> int:
    """The weight at `index`; 1 where sizes do not count."""
    return weights[index] if len(weights) else 1


@helper
def weigh(weights: Array, key: int, weight: int) -> None:
    """Remember what a loaded result weighs."""
    if len(weights):
        weights[key] = weight
