"""The golden replay: does the whole cache, tracker and window included, evict the same keys?"""

from __future__ import annotations

import json
from collections.abc import Hashable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.export.serving.cache import Facts, LearnedCache, Scorer
from engine.export.serving.errors import ServingError
from engine.export.serving.policy import Policy

_CLOSE = 1e-3
"""Scores this near to each other count as equal: rounding differs between machines."""


class _Following(LearnedCache):
    """Evicts who was evicted where the export was made, if its own scores allow that."""

    golden: list[tuple[Hashable, float | None]]
    at = 0

    def _score(self, keys: Sequence[Hashable]) -> NDArray[np.float32]:
        scores = super()._score(keys)
        if self.at >= len(self.golden):
            raise ServingError("The cache evicts more than it did where the policy was exported.")
        evicted, least = self.golden[self.at]
        self.at += 1
        place = keys.index(evicted) if evicted in keys else int(scores.argmax())
        off = float(scores[place] - scores.min())
        if least is not None:
            off = max(off, abs(float(scores[place]) - least))
        if off > _CLOSE or keys[place] != evicted:
            raise ServingError(
                f"Eviction {self.at} of the golden replay differs: {evicted!r} went where the "
                f"policy was exported, here it is {keys[int(scores.argmin())]!r} (scores differ by "
                f"{off:.2g}); use another version of NumPy or onnxruntime, or export it again."
            )
        scores[place] = scores.min() - _CLOSE
        return scores


def replay_golden(policy: Policy) -> int:
    """Replay the export's `golden.json`; returns the number of requests.

    Raises:
        ServingError: a hit or an eviction differs.
    """
    return follow(policy, json.loads(policy.file("golden.json")))


def follow(policy: Scorer, golden: dict[str, Any]) -> int:
    """Replay requests and hold hits and evictions to what is told; returns their number.

    Raises:
        ServingError: a hit or an eviction differs.
    """
    sizes = iter(golden["size"])
    by_bytes = policy.metadata["cache"]["unit"] == "bytes"
    cache = _Following(
        policy,
        golden["maxsize"],
        (lambda _value: float(size)) if by_bytes else None,
        seed=golden["seed"],
    )
    cache.golden = [(key, least) for key, least in golden["evicted"]]
    size = 0
    for number, key in enumerate(golden["key"]):
        size = next(sizes)
        hit = cache.get(key) is not None
        if not hit:
            cache.store(key, True, _facts(golden, number, size))
        if hit != bool(golden["hit"][number]):
            raise ServingError(f"Request {number} of the golden replay was no {_word(hit)}.")
    if cache.at != len(cache.golden):
        raise ServingError("The cache evicts less than it did where the policy was exported.")
    return len(golden["key"])


def _facts(golden: dict[str, Any], number: int, size: float) -> Facts:
    return Facts(
        golden["group"][number],
        size,
        golden["load_time_ms"][number],
        {name: values[number] for name, values in golden["columns"].items()},
    )


def _word(hit: bool) -> str:
    return "hit where the policy was exported" if hit else "miss where the policy was exported"
