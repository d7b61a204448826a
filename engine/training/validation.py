"""Trying a policy on the validation part, the same way each time: the judge of early stopping."""

from __future__ import annotations

from collections.abc import Callable

import msgspec
import numpy as np
from numpy.typing import NDArray

from engine.cache.base import Replay
from engine.traces.trace import Requests
from engine.training.assembling import reading_of
from engine.training.data import Data
from engine.training.network import Network
from engine.training.policy import PolicySpec, TrainedPolicy
from engine.training.replaying import start

WARMING, JUDGED = 60_000, 40_000
"""Requests before and on which a policy is tried: a trial must not outlast the training."""

_CHUNK = 5_000


def judged_parts(data: Data) -> tuple[Requests, Requests]:
    """What a cache is warmed by, and what it is judged on then."""
    seen, train = data.seen, len(data.train)
    first = max(train // 2, min(train, len(seen) - JUDGED))
    warm = seen.slice(max(0, first - WARMING), first)
    return warm, seen.slice(first, min(len(seen), first + JUDGED))


class Validator:
    """Replays the end of the training part, and judges on the validation part after it.

    A validation part of fewer than JUDGED requests tells too little; as much of the training part
    is then judged along (at most half of it).

    Args:
        data: of the training.
        spec: of the policy to be; what is tried is one network of it at a time.
    """

    def __init__(self, data: Data, spec: PolicySpec) -> None:
        self._warm, self._judged = judged_parts(data)
        self._value = data.value.of(self._judged)
        self._spec = spec
        self._room = data.room

    def ratios(
        self, name: str, network: Network, cancelled: Callable[[], bool] = lambda: False
    ) -> tuple[float, float] | None:
        """Hit ratio, and share of the value of all requests that were hits, from 0 to 1.

        None when `cancelled`, which is asked every few thousand requests.
        """
        alone = msgspec.structs.replace(
            self._spec,
            algorithms={name: name},
            readouts={name: reading_of(network)},
            guard=False,
        )
        replay: Replay = start(TrainedPolicy(alone, {name: network}), self._room)
        if _fed(replay, self._warm, cancelled) is None:
            return None
        hits = _fed(replay, self._judged, cancelled)
        if hits is None:
            return None
        return float(hits.mean()), float(self._value[hits].sum() / np.sum(self._value))


def _fed(
    replay: Replay, requests: Requests, cancelled: Callable[[], bool]
) -> NDArray[np.bool_] | None:
    found = []
    for first in range(0, len(requests), _CHUNK):
        if cancelled():
            return None
        found.append(replay.feed(requests.slice(first, min(first + _CHUNK, len(requests)))))
    return np.concatenate(found) if found else np.zeros(0, np.bool_)
