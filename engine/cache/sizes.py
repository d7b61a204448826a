"""Sizes of caches as people write them, and as a trace suggests them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from engine.errors import PolicyError
from engine.traces.trace import Requests

_UNITS = {"K": 10**3, "M": 10**6, "G": 10**9}


def footprint(requests: Requests, by_bytes: bool) -> int:
    """What unlimited room would come to hold: distinct keys, or their latest sizes in bytes."""
    if not by_bytes:
        return requests.distinct
    sizes = np.zeros(requests.distinct, np.int64)
    sizes[requests.key] = requests.size
    return int(sizes.sum())


def parse_sizes(texts: Sequence[str], whole: int) -> list[int]:
    """Capacities from texts such as `137`, `1%` (of `whole`), `64M`; at least 1 each, sorted.

    Raises:
        PolicyError: a text is no size above 0.
    """
    return sorted({_size(text, whole) for text in texts})


def _size(text: str, whole: int) -> int:
    number, unit = text.strip(), 1.0
    if number.endswith("%"):
        number, unit = number[:-1], whole / 100
    elif number[-1:].upper() in _UNITS:
        number, unit = number[:-1], float(_UNITS[number[-1:].upper()])
    try:
        size = float(number.replace(",", "").replace("_", "")) * unit
    except ValueError:
        size = -1.0
    is_part = number == text.strip() and size % 1  # half a result is a slip; half a megabyte is not
    if is_part or not 0 < size < 2**62:
        raise PolicyError(f"{text!r} is no size of a cache; write 500, 1% or 64M.")
    return max(1, int(size))


def spaced(whole: int, count: int = 24, lowest: float = 1e-4) -> list[int]:
    """At most `count` capacities from `lowest` of the whole to all of it, evenly in logarithm."""
    first = max(1.0, whole * lowest)
    return sorted({max(1, round(c)) for c in np.geomspace(first, max(first, whole), count)})
