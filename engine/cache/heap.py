"""A heap over members whose priorities change, for compiled code: the least comes first.

Equal priorities go by the moment they were set, earlier first. Members are keys, or places of a
cache. Priorities lie in the order of the heap, so that comparing them reads one stretch of memory.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from engine.cache.jit import helper


class Heap(NamedTuple):
    """The arrays of one heap; those by position have the least at 0."""

    member: NDArray[Any]
    """By position, int32[places]."""
    rank: NDArray[Any]
    """By position, priority and the moment it was set, float64[places, 2]."""
    position: NDArray[Any]
    """By member, -1 for nowhere, int32[members]."""
    number: NDArray[Any]
    """Number of members in the heap and of priorities set so far, int64[2]."""


def new_heap(members: int, places: int) -> Heap:
    """An empty heap over `members` members for at most `places` of them."""
    return Heap(
        np.zeros(places, np.int32),
        np.zeros((places, 2)),
        np.full(members, -1, np.int32),
        np.zeros(2, np.int64),
    )


@helper
def contains(heap: Heap, member: int) -> bool:
    """Whether the member is in the heap."""
    return bool(heap.position[member] >= 0)


@helper
def least(heap: Heap) -> int:
    """The member with the least priority of a heap that is not empty; it is `rank[0, 0]`."""
    return int(heap.member[0])


@helper
def put(heap: Heap, member: int, priority: float) -> None:
    """Put a member in, or give it another priority."""
    number = heap.number
    number[1] += 1
    position = heap.position[member]
    if position < 0:
        number[0] += 1
        _rise(heap, number[0] - 1, member, priority, float(number[1]))
    elif priority < heap.rank[position, 0]:
        _rise(heap, position, member, priority, float(number[1]))
    else:
        _sink(heap, position, member, priority, float(number[1]))


@helper
def remove(heap: Heap, member: int) -> None:
    """Take a member out."""
    position = heap.position[member]
    heap.position[member] = -1
    heap.number[0] -= 1
    end = heap.number[0]
    if position == end:
        return
    moved, priority, moment = heap.member[end], heap.rank[end, 0], heap.rank[end, 1]
    if _before(heap, end, heap.rank[position, 0], heap.rank[position, 1]):
        _rise(heap, position, moved, priority, moment)
    else:
        _sink(heap, position, moved, priority, moment)


@helper
def _before(heap: Heap, position: int, priority: float, moment: float) -> bool:
    """Whether what lies at `position` comes before a priority set at a moment."""
    if heap.rank[position, 0] != priority:
        return bool(heap.rank[position, 0] < priority)
    return bool(heap.rank[position, 1] < moment)


@helper
def _move(heap: Heap, source: int, to: int) -> None:
    heap.member[to] = heap.member[source]
    heap.rank[to, 0] = heap.rank[source, 0]
    heap.rank[to, 1] = heap.rank[source, 1]
    heap.position[heap.member[to]] = to


@helper
def _place(heap: Heap, position: int, member: int, priority: float, moment: float) -> None:
    heap.member[position] = member
    heap.rank[position, 0] = priority
    heap.rank[position, 1] = moment
    heap.position[member] = position


@helper
def _rise(heap: Heap, position: int, member: int, priority: float, moment: float) -> None:
    while position > 0:
        above = (position - 1) >> 2
        if _before(heap, above, priority, moment):
            break
        _move(heap, above, position)
        position = above
    _place(heap, position, member, priority, moment)


@helper
def _sink(heap: Heap, position: int, member: int, priority: float, moment: float) -> None:
    count = heap.number[0]
    while True:
        below = _earliest_below(heap, 4 * position + 1, count)
        if below >= count or not _before(heap, below, priority, moment):
            break
        _move(heap, below, position)
        position = below
    _place(heap, position, member, priority, moment)


@helper
def _earliest_below(heap: Heap, first: int, count: int) -> int:
    """The earliest of up to four neighbours, which lie in one line of the processor's cache."""
    if first + 3 < count:
        return _earlier(
            heap, _earlier(heap, first, first + 1), _earlier(heap, first + 2, first + 3)
        )
    earliest = first
    for position in range(first + 1, count):
        earliest = _earlier(heap, earliest, position)
    return earliest


@helper
def _earlier(heap: Heap, one: int, other: int) -> int:
    """Which position comes first, without a branch: it could not be foreseen."""
    mine, its = heap.rank[one, 0], heap.rank[other, 0]
    equal = (mine == its) & (heap.rank[other, 1] < heap.rank[one, 1])
    return one + (other - one) * int((its < mine) | equal)
