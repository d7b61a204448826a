"""The classics that a guard may follow: each runs whole beside the learned cache.

They are cheap beside a network, and exact. The guard measures them by what they hit; while it
follows one, the cache holds what that one holds, as far as it was loaded since or held before.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, cast

import numpy as np
from numpy.typing import NDArray

from engine.cache import POLICIES
from engine.cache.base import Policy, Replay, Room
from engine.registry import resolve
from engine.traces.trace import Requests

FOLLOWED = (
    "lru",
    "arc",
    "mq",
    "2q",
    "s3-fifo",
    "clock2q+",
    "w-tinylfu-1",
    "w-tinylfu-20",
    "w-tinylfu-adaptive",
    "gdsf-cost",
)
"""Rows of POLICIES; each must tell what it holds. Where costs and sizes are equal, gdsf-cost is
gdsf."""


CONTROLS = ("arc", "clock2q+", "w-tinylfu-20")
"""Rows of FOLLOWED that run on the guard's sample of the keys as well."""


class _Followable(Protocol):
    def feed(self, requests: Requests) -> NDArray[np.bool_]: ...

    def held(self) -> NDArray[np.bool_]: ...


class Classics:
    """Replays of some classics, each with the whole room."""

    def __init__(self, names: Sequence[str], room: Room, seed: int) -> None:
        policies: list[Policy] = [resolve(POLICIES, name, "policy")() for name in names]
        started: list[Replay] = [policy.start(room, seed) for policy in policies]
        self._replays = cast("list[_Followable]", started)

    def feed(self, requests: Requests) -> NDArray[np.bool_]:
        """What each hits of the next requests, bool[classics, n]."""
        hits = np.zeros((len(self._replays), len(requests)), np.bool_)
        for at, replay in enumerate(self._replays):
            hits[at] = replay.feed(requests)
        return hits

    def held(self, at: int) -> NDArray[np.bool_]:
        """Which keys a classic holds now, bool[keys]."""
        return self._replays[at].held()


class Controls:
    """Some classics on a sample of the keys, beside the same with all keys and the whole room."""

    def __init__(self, room: Room, share: float, sampled: NDArray[np.bool_], seed: int) -> None:
        small = Room(max(1, round(room.capacity * share)), room.by_bytes, room.distinct)
        self._sampled = sampled
        self._whole = [FOLLOWED.index(name) for name in CONTROLS]
        self._small = Classics(CONTROLS if share < 1.0 else (), small, seed)

    def feed(self, requests: Requests, hits: NDArray[np.bool_]) -> NDArray[np.float64]:
        """By how much the sample is easier at each request, float64[n]; 0 for keys not sampled.

        Args:
            requests: the next ones.
            hits: what every classic of FOLLOWED hits of them whole, bool[classics, n].
        """
        easier = np.zeros(len(requests))
        at = np.flatnonzero(self._sampled[requests.key])
        found = self._small.feed(requests.take(at))
        if len(found):
            easier[at] = found.mean(0) - hits[self._whole][:, at].mean(0)
        return easier
