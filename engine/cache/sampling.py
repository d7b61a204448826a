"""Choosing requests by a hash of their keys, so that a small trace behaves like the long one.

C. A. Waldspurger, N. Park, A. Garthwaite, I. Ahmad, Efficient MRC construction with SHARDS, FAST
2015; for policies other than LRU: C. A. Waldspurger, T. Saemundsson, I. Ahmad, N. Park, Cache
modeling and optimization using miniature simulations, USENIX ATC 2017.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from engine.cache.draws import mixed
from engine.cache.jit import compiled
from engine.cache.stepping import Array
from engine.traces.trace import Requests

_SCALE = 1 << 24


def sampled(requests: Requests, rate: float, salt: int) -> Requests:
    """The requests for about `rate` (0 to 1) of the keys; another salt chooses other keys.

    Keys are numbered anew by their old numbers, columns are left out.
    """
    chosen = np.empty(requests.distinct, np.bool_)
    _choose(chosen, int(rate * _SCALE), salt)
    number: NDArray[np.int32] = (np.cumsum(chosen) - 1).astype(np.int32)
    kept = np.flatnonzero(chosen[requests.key])
    return Requests(
        requests.time[kept],
        number[requests.key[kept]],
        requests.group[kept],
        requests.size[kept],
        requests.cost[kept],
        int(np.count_nonzero(chosen)),
    )


@compiled
def _choose(chosen: Array, below: int, salt: int) -> None:
    for key in range(len(chosen)):
        bits = mixed(np.uint64(key) + mixed(np.uint64(salt) + np.uint64(1)))
        chosen[key] = np.int64(bits >> np.uint64(40)) < below
