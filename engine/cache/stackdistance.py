"""Stack distances of LRU in one pass: how large a cache would have to be for each hit.

R. L. Mattson, J. Gecsei, D. R. Slutz, I. L. Traiger, Evaluation techniques for storage hierarchies,
IBM Systems Journal 1970; counted in a tree as in P. M. Fenwick, A new data structure for cumulative
frequency tables, Software: Practice and Experience 1994. Memory is bounded by the distinct keys:
when the moments run out, those still in use are numbered anew.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from engine.cache.jit import apart, compiled, helper, settled
from engine.cache.stepping import Array
from engine.traces.trace import Requests


def hits_by_distance(requests: Requests, worth: NDArray[np.float64]) -> NDArray[np.float64]:
    """What hits at each stack distance are worth, float64[distinct + 1].

    An LRU cache of C results holds exactly those at distances 1 to C.

    Args:
        requests: in order.
        worth: of a hit at each request, float64[n].
    """
    found = np.zeros(requests.distinct + 1)
    moments = 2 * requests.distinct + 1
    _walk(
        settled(requests.key, np.int32),
        settled(worth, np.float64),
        np.zeros(requests.distinct, np.int64),
        np.full(moments, -1, np.int32),
        np.zeros(moments, np.int64),
        found,
    )
    return found


@compiled
def _walk(
    keys: Array, worth: Array, moment: Array, owner: Array, tree: Array, found: Array
) -> None:
    """`moment[key]` is its last request's, 0 for none; `owner` is the inverse."""
    now = held = 0
    for i in range(len(keys)):
        key = keys[i]
        if now + 1 == len(owner):
            now = _renumber(moment, owner, tree)
        now += 1
        before = moment[key]
        if before:
            found[held - _up_to(tree, before) + 1] += worth[i]
            _add(tree, before, -1)
            owner[before] = -1
        else:
            held += 1
        moment[key] = now
        owner[now] = key
        _add(tree, now, 1)


@helper
def _add(tree: Array, at: int, change: int) -> None:
    while at < len(tree):
        tree[at] += change
        at += at & -at


@helper
def _up_to(tree: Array, at: int) -> int:
    total = 0
    while at > 0:
        total += tree[at]
        at -= at & -at
    return total


@apart
def _renumber(moment: Array, owner: Array, tree: Array) -> int:
    """Close the gaps between moments in use; the last of them."""
    now = 0
    for old in range(1, len(owner)):
        key = owner[old]
        tree[old] = 0
        if key >= 0:
            now += 1
            owner[old] = -1
            owner[now] = key
            moment[key] = now
    for used in range(1, now + 1):
        _add(tree, used, 1)
    return now
