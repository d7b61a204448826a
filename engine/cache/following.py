"""What a cache holds while it follows a classic: of the classic's results those that were loaded.

A classic runs beside the cache and holds results that the cache never loaded. The places that these
leave free keep what the cache held before, and give it up, the least recent first, as results of
the classic are loaded: changing whom to follow then costs few hits.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from engine.cache.jit import helper

CAPACITY, USED, SPARE, NEXT, COUNT, _AMOUNTS = range(6)
"""Places of `Following.amounts`."""


class Following(NamedTuple):
    """One cache that follows a classic.

    Args:
        kept: loaded while the classic held it, or held before; held as long as the classic holds
            it too, bool[U].
        spare: held from before, in places that the classic's results leave free, bool[U].
        order: keys that were spare at the start, the least recent first, int32[U].
        amounts: capacity; at most what the classic's results take; what spare ones take; the next
            of `order` to go; how many there are, int64[5].
    """

    kept: NDArray[np.bool_]
    spare: NDArray[np.bool_]
    order: NDArray[np.int32]
    amounts: NDArray[np.int64]


def following(capacity: int, distinct: int) -> Following:
    """A cache of that capacity which holds nothing yet."""
    amounts = np.zeros(_AMOUNTS, np.int64)
    amounts[CAPACITY] = capacity
    return Following(
        np.zeros(distinct, np.bool_),
        np.zeros(distinct, np.bool_),
        np.zeros(distinct, np.int32),
        amounts,
    )


def held(state: Following, classic: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Which keys are held, bool[U], where `classic` tells what the classic holds."""
    return np.asarray(state.spare | (state.kept & classic))


def begin(
    state: Following,
    before: NDArray[np.int64],
    classic: NDArray[np.bool_],
    sizes: NDArray[np.int64] | None,
) -> None:
    """Follow a classic from now on.

    Args:
        state: of the cache.
        before: keys held until now, the least recent first.
        classic: what the classic holds, bool[U].
        sizes: of results, int64[U]; None where each takes one place.
    """
    state.kept[:] = False
    state.spare[:] = False
    state.kept[before] = classic[before]
    spare = before[~classic[before]]
    state.spare[spare] = True
    state.order[: len(spare)] = spare
    state.amounts[NEXT], state.amounts[COUNT] = 0, len(spare)
    state.amounts[SPARE] = len(spare) if sizes is None else sizes[spare].sum()
    recount(state, classic, sizes)


def recount(state: Following, classic: NDArray[np.bool_], sizes: NDArray[np.int64] | None) -> None:
    """Count anew what the classic's results take, and forget what it dropped meanwhile."""
    np.logical_and(state.kept, classic, out=state.kept)
    state.amounts[USED] = int(state.kept.sum() if sizes is None else sizes[state.kept].sum())


@helper
def ask_following(
    state: Following, sizes: NDArray[np.int64], key: int, size: int, classic: bool
) -> bool:
    """Ask for a key; on a miss it is loaded. True on a hit.

    Args:
        state: of the cache.
        sizes: of results that are held, int64[U], set here; empty where each takes one place.
        key: what is asked for.
        size: 1, or its bytes where sizes count.
        classic: whether the classic hits.
    """
    amounts = state.amounts
    if classic and state.kept[key]:
        return True
    hit = state.spare[key]
    if hit:
        state.spare[key] = False
        amounts[SPARE] -= _size(sizes, key)
    elif size > amounts[CAPACITY]:
        return False
    if len(sizes) and not hit:
        sizes[key] = size
    # Whether the classic took it in is told at the next look only; it is counted as if it did.
    amounts[USED] += _size(sizes, key)
    state.kept[key] = True
    while amounts[SPARE] > 0 and amounts[USED] + amounts[SPARE] > amounts[CAPACITY]:
        oldest = state.order[amounts[NEXT]]
        amounts[NEXT] += 1
        if state.spare[oldest]:
            state.spare[oldest] = False
            amounts[SPARE] -= _size(sizes, oldest)
    return bool(hit)


@helper
def _size(sizes: NDArray[np.int64], key: int) -> int:
    return int(sizes[key]) if len(sizes) else 1
