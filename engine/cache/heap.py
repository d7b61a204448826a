"""A heap over keys whose priorities change, for compiled code: the least comes first.

Equal priorities go by the moment they were set, earlier first.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from engine.cache.jit import helper


class Heap(NamedTuple):
    """The arrays of one heap."""

    order: NDArray[Any]
    """Keys, int32[places]; the least at 0."""
    place: NDArray[Any]
    """Where each key lies in `order`, -1 for nowhere, int32[keys]."""
    priority: NDArray[Any]
    """By key, float64[keys]."""
    moment: NDArray[Any]
    """By key, int64[keys]."""
    number: NDArray[Any]
    """Number of keys in the heap and of priorities set so far, int64[2]."""


def new_heap(keys: int, places: int) -> Heap:
    """An empty heap over `keys` keys for at most `places` of them."""
    return Heap(
        np.zeros(places, np.int32),
        np.full(keys, -1, np.int32),
        np.zeros(keys),
        np.zeros(keys, np.int64),
        np.zeros(2, np.int64),
    )


@helper
def contains(heap: Heap, key: int) -> bool:
    """Whether the key is in the heap."""
    return bool(heap.place[key] >= 0)


@helper
def least(heap: Heap) -> int:
    """The key with the least priority of a heap that is not empty."""
    return int(heap.order[0])


@helper
def put(heap: Heap, key: int, priority: float) -> None:
    """Put a key in, or give it another priority."""
    heap.priority[key] = priority
    heap.number[1] += 1
    heap.moment[key] = heap.number[1]
    place = heap.place[key]
    if place < 0:
        place = heap.number[0]
        heap.number[0] += 1
        _rise(heap, place, key)
    else:
        _sink(heap, place, key)
        _rise(heap, heap.place[key], key)


@helper
def remove(heap: Heap, key: int) -> None:
    """Take a key out."""
    place = heap.place[key]
    heap.place[key] = -1
    heap.number[0] -= 1
    moved = heap.order[heap.number[0]]
    if moved != key:
        _sink(heap, place, moved)
        _rise(heap, heap.place[moved], moved)


@helper
def _before(heap: Heap, one: int, other: int) -> bool:
    if heap.priority[one] != heap.priority[other]:
        return bool(heap.priority[one] < heap.priority[other])
    return bool(heap.moment[one] < heap.moment[other])


@helper
def _rise(heap: Heap, place: int, key: int) -> None:
    order = heap.order
    while place > 0:
        above = (place - 1) >> 1
        if not _before(heap, key, order[above]):
            break
        order[place] = order[above]
        heap.place[order[place]] = place
        place = above
    order[place] = key
    heap.place[key] = place


@helper
def _sink(heap: Heap, place: int, key: int) -> None:
    order, count = heap.order, heap.number[0]
    while True:
        below = 2 * place + 1
        if below >= count:
            break
        if below + 1 < count and _before(heap, order[below + 1], order[below]):
            below += 1
        if not _before(heap, order[below], key):
            break
        order[place] = order[below]
        heap.place[order[place]] = place
        place = below
    order[place] = key
    heap.place[key] = place
