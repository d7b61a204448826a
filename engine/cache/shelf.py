"""A set of held keys from which some can be drawn at random, for compiled code."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from engine.cache.draws import Chance, draw, new_chance
from engine.cache.jit import helper


class Shelf(NamedTuple):
    """The arrays of one set."""

    keys: NDArray[Any]
    """The held keys, in no order, int32[places]."""
    place: NDArray[Any]
    """Where each key lies in `keys`, -1 for nowhere, int32[keys]."""
    number: NDArray[Any]
    """Number of held keys, int64[1]."""
    chance: Chance


def new_shelf(keys: int, places: int, seed: int) -> Shelf:
    """An empty set over `keys` keys for at most `places` of them."""
    return Shelf(
        np.zeros(places, np.int32),
        np.full(keys, -1, np.int32),
        np.zeros(1, np.int64),
        new_chance(seed),
    )


@helper
def holds(shelf: Shelf, key: int) -> bool:
    """Whether the key is held."""
    return bool(shelf.place[key] >= 0)


@helper
def put_on(shelf: Shelf, key: int) -> None:
    """Hold a key that is not held."""
    shelf.keys[shelf.number[0]] = key
    shelf.place[key] = shelf.number[0]
    shelf.number[0] += 1


@helper
def take_off(shelf: Shelf, key: int) -> None:
    """Let go of a held key."""
    shelf.number[0] -= 1
    moved = shelf.keys[shelf.number[0]]
    shelf.keys[shelf.place[key]] = moved
    shelf.place[moved] = shelf.place[key]
    shelf.place[key] = -1


@helper
def any_of(shelf: Shelf) -> int:
    """A held key at random; the set is not empty."""
    return int(shelf.keys[any_place(shelf)])


@helper
def any_place(shelf: Shelf) -> int:
    """The place of a held key at random; the set is not empty."""
    return int(np.int64(draw(shelf.chance, shelf.number[0])))
