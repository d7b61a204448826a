"""A time to live for any simulated cache, expiring lazily.

An expired result keeps its place until it is asked for or evicted. Asked for, it is a miss that is
loaded again in place: the policy below sees a request for something it holds.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from engine.cache.base import Replay, Room
from engine.cache.jit import compiled, settled
from engine.cache.stepping import Array
from engine.errors import PolicyError
from engine.traces.trace import Requests


class Expiring(Replay):
    """A replay whose results end `ttl_s` seconds of the trace's time after they were loaded.

    Raises:
        PolicyError: the time to live is not above zero.
    """

    def __init__(self, replay: Replay, room: Room, ttl_s: float) -> None:
        if not ttl_s > 0:
            raise PolicyError(f"A time to live of {ttl_s} s keeps nothing; give more than 0.")
        self._replay = replay
        self._ttl_s = ttl_s
        self._loaded = np.zeros(room.distinct)

    def feed(self, requests: Requests) -> NDArray[np.bool_]:
        """Replay the next requests; True where the result was held and fresh, bool[n]."""
        hits = self._replay.feed(requests)
        keys, times = settled(requests.key, np.int32), settled(requests.time, np.float64)
        _expire(keys, times, self._ttl_s, self._loaded, hits)
        return hits


@compiled
def _expire(keys: Array, times: Array, ttl_s: float, loaded: Array, hits: Array) -> None:
    for i in range(len(keys)):
        key = keys[i]
        hits[i] = hits[i] and times[i] - loaded[key] <= ttl_s
        if not hits[i]:
            loaded[key] = times[i]
