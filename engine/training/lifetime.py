"""How long a cache holds what it holds: the measure of all times in features and rewards."""

from __future__ import annotations

from engine.cache.base import Room
from engine.cache.lru import LRU
from engine.traces.trace import Requests

_WARMING = 5
_LEAST = 1e-3


def lifetime(requests: Requests, room: Room) -> float:
    """Requests for which an LRU cache of this room holds a result: room over what misses bring.

    Measured on the training part given, after a first fifth that fills the cache.
    """
    missed = ~LRU().start(room).feed(requests)
    brought = missed * requests.size if room.by_bytes else missed
    least = _LEAST * float(requests.size.mean()) if room.by_bytes else _LEAST
    mean = float(brought[len(requests) // _WARMING :].mean())
    return max(1.0, room.capacity / max(least, mean))
