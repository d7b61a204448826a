"""Doubly linked lists over keys in one array, for compiled code.

`links` is int32[keys + lists, 2]. A key is in at most one list of an array; list j is the node
`keys + j`, whose NEXT is the list's front and whose PREV is its back.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from engine.cache.jit import helper

PREV = 0
NEXT = 1

Links = NDArray[np.int32]


def new_links(keys: int, lists: int) -> Links:
    """`lists` empty lists over `keys` keys."""
    links = np.full((keys + lists, 2), -1, np.int32)
    for node in range(keys, keys + lists):
        links[node] = node
    return links


@helper
def linked(links: Links, key: int) -> bool:
    """Whether the key is in a list."""
    return bool(links[key, PREV] >= 0)


@helper
def push_front(links: Links, of: int, key: int) -> None:
    """Put a key that is in no list at the front of list node `of`."""
    front = links[of, NEXT]
    links[key, PREV] = of
    links[key, NEXT] = front
    links[front, PREV] = key
    links[of, NEXT] = key


@helper
def unlink(links: Links, key: int) -> None:
    """Take a key out of the list it is in."""
    before, after = links[key, PREV], links[key, NEXT]
    links[before, NEXT] = after
    links[after, PREV] = before
    links[key, PREV] = -1


@helper
def move_front(links: Links, of: int, key: int) -> None:
    """Put a key that is in a list at the front of list node `of`."""
    if links[of, NEXT] != key:
        unlink(links, key)
        push_front(links, of, key)


@helper
def last(links: Links, of: int) -> int:
    """The key at the back; `of` itself where the list is empty."""
    return int(links[of, PREV])
