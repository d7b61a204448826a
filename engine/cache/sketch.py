"""A count-min sketch of recent frequencies in blocks of one cache line, for compiled code.

G. Cormode, S. Muthukrishnan, An improved data stream summary, J. Algorithms 2005; ageing by halving
after G. Einziger, R. Friedman, B. Manes, TinyLFU, ACM TOS 2017.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from engine.cache.draws import mixed
from engine.cache.jit import apart, helper

_ROWS = 4
_CELLS = 16
"""Counters of one row in a block."""

_MOST = 15

Sketch = NDArray[np.uint8]


def new_sketch(keys: int) -> Sketch:
    """Counters for about `keys` keys in uint8[blocks, 64]: 16 bytes a key, blocks a power of 2."""
    blocks = 1 << max(0, int(np.ceil(np.log2(max(1, keys) / 4))))
    return np.zeros((blocks, _ROWS * _CELLS), np.uint8)


@helper
def estimate(sketch: Sketch, key: int) -> int:
    """Recent requests for a key, 0 to 15; may be too many, never too few."""
    bits = np.int64(mixed(key) >> np.uint64(1))
    block = (bits >> 16) & (len(sketch) - 1)
    least = _MOST
    for row in range(_ROWS):
        cell = row * _CELLS + ((bits >> (4 * row)) & (_CELLS - 1))
        least = min(least, int(sketch[block, cell]))
    return least


@helper
def count(sketch: Sketch, key: int) -> None:
    """Count one request; only the least of the key's counters grow."""
    least = estimate(sketch, key)
    if least == _MOST:
        return
    bits = np.int64(mixed(key) >> np.uint64(1))
    block = (bits >> 16) & (len(sketch) - 1)
    for row in range(_ROWS):
        cell = row * _CELLS + ((bits >> (4 * row)) & (_CELLS - 1))
        if sketch[block, cell] == least:
            sketch[block, cell] = least + 1


@apart
def halve(sketch: Sketch) -> None:
    """Let the past weigh half."""
    for block in range(len(sketch)):
        for cell in range(_ROWS * _CELLS):
            sketch[block, cell] >>= 1
