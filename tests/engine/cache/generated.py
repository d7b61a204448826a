"""Requests that tests replay."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from engine.traces.trace import Requests


def requests(
    keys: ArrayLike,
    sizes: ArrayLike | None = None,
    costs: ArrayLike | None = None,
    times: ArrayLike | None = None,
) -> Requests:
    """Requests for keys, numbered by first appearance; by default a second, byte and ms each."""
    raw = np.asarray(keys)
    _, first, place = np.unique(raw, return_index=True, return_inverse=True)
    rank = np.empty(len(first), np.int32)
    rank[np.argsort(first)] = np.arange(len(first), dtype=np.int32)
    count = len(raw)
    return Requests(
        np.arange(count, dtype=np.float64) if times is None else np.asarray(times, np.float64),
        rank[place],
        np.zeros(count, np.int32),
        np.ones(count, np.int64) if sizes is None else np.asarray(sizes, np.int64),
        np.ones(count) if costs is None else np.asarray(costs, np.float64),
        len(first),
    )


def zipf_keys(count: int, distinct: int, seed: int, exponent: float = 0.9) -> NDArray[np.int64]:
    """Keys drawn independently by Zipf's law."""
    shares = 1.0 / np.arange(1, distinct + 1) ** exponent
    return np.random.default_rng(seed).choice(distinct, count, p=shares / shares.sum())


def zipf_with_scans(count: int = 60_000, distinct: int = 3000, seed: int = 1) -> Requests:
    """Zipf's law, interrupted by scans over keys half of which come again in the next scan."""
    keys = zipf_keys(count, distinct, seed)
    parts: list[NDArray[np.int64]] = []
    for number, start in enumerate(range(0, count, count // 10)):
        scan = np.arange(900) + 10**6 + 450 * number
        parts += [keys[start : start + count // 10], scan]
    return requests(np.concatenate(parts))


def sized(drawn: Requests, seed: int = 2) -> Requests:
    """The same with a size (1 to 400) and a cost that belong to each key."""
    rng = np.random.default_rng(seed)
    size = rng.integers(1, 400, drawn.distinct)
    cost = rng.lognormal(2, 1, drawn.distinct)
    return requests(drawn.key, size[drawn.key], cost[drawn.key])


def numbers(hits: Sequence[bool] | NDArray[np.bool_]) -> list[int]:
    """Hits as ones and zeros, which show in a failed comparison."""
    return [int(hit) for hit in hits]
