"""Places of a cache, for compiled code: what is held lies close together, however many keys.

A key keeps its place until it leaves; the place that became free last is taken next.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from engine.cache.jit import helper


class Places(NamedTuple):
    """The arrays of one cache's places."""

    of: NDArray[Any]
    """Place by key, -1 for none, int32[keys]."""
    key: NDArray[Any]
    """Key by place, int32[places]."""
    free: NDArray[Any]
    """Free places, the next to take last, int32[places]."""
    number: NDArray[Any]
    """Number of free places, int64[1]."""


def new_places(keys: int, places: int) -> Places:
    """All places free."""
    return Places(
        np.full(keys, -1, np.int32),
        np.zeros(places, np.int32),
        np.arange(places - 1, -1, -1, dtype=np.int32),
        np.array([places], np.int64),
    )


@helper
def take_place(places: Places, key: int) -> int:
    """Give a key without a place a free one."""
    places.number[0] -= 1
    place = places.free[places.number[0]]
    places.of[key] = place
    places.key[place] = key
    return int(place)


@helper
def free_place(places: Places, place: int) -> None:
    """Let the key at a place go."""
    places.of[places.key[place]] = -1
    places.free[places.number[0]] = place
    places.number[0] += 1
