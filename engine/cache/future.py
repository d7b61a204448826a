"""What offline policies are told: when each result will be asked for again."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from engine.cache.jit import compiled, settled
from engine.cache.stepping import Array
from engine.traces.trace import Requests

NEVER = 2**62
"""Stands for a result that is not asked for again."""


def next_use(requests: Requests) -> NDArray[np.int64]:
    """Number of the next request for the same key, counted from the first here, int64[n]."""
    following = np.empty(len(requests), np.int64)
    _fill(settled(requests.key, np.int32), np.full(requests.distinct, NEVER, np.int64), following)
    return following


@compiled
def _fill(keys: Array, upcoming: Array, following: Array) -> None:
    for i in range(len(keys) - 1, -1, -1):
        following[i] = upcoming[keys[i]]
        upcoming[keys[i]] = i
