"""Miss ratio curves: what a cache of each size would miss, exact or estimated with its error."""

from __future__ import annotations

from collections.abc import Sequence
from math import sqrt

import msgspec
import numpy as np
from numpy.typing import NDArray

from engine.cache import POLICIES
from engine.cache.base import Policy, Room
from engine.cache.sampling import sampled
from engine.cache.simulator import Beat, begin, check
from engine.errors import PolicyError
from engine.registry import resolve
from engine.traces.trace import Requests

LIMIT = 1_000_000
"""Requests from which on a curve is estimated on a sample."""

SALTS = 5
"""Samples whose spread tells the error."""

_T_95 = 2.776
"""95 % of Student's t with SALTS - 1 degrees of freedom lie within this many deviations."""

_LEAST = 16
"""A sampled cache is at least this large; smaller ones are replayed on all requests."""

WORTH = ("hit_ratio", "byte_hit_ratio", "load_time_saved")


class Point(msgspec.Struct, frozen=True):
    """One size of a curve; ratios of misses, 0 to 1.

    Args:
        capacity: results or bytes.
        miss_ratio: of requests, bytes or load time; an estimate unless `exact`.
        low: end of its 95 % interval over samples; the ratio itself where exact.
        high: the other end.
        exact: whether all requests were replayed.
    """

    capacity: int
    miss_ratio: float
    low: float
    high: float
    exact: bool


class Curve(msgspec.Struct, frozen=True):
    """What one policy misses at each size.

    Args:
        policy: row of POLICIES.
        title: as people write it.
        by_bytes: whether sizes count.
        worth: what hits are counted by: hit_ratio, byte_hit_ratio or load_time_saved.
        rate: share of the keys in each sample; 1 where nothing was sampled.
        points: by rising capacity.
    """

    policy: str
    title: str
    by_bytes: bool
    worth: str
    rate: float
    points: tuple[Point, ...]


def curve(
    requests: Requests,
    name: str,
    capacities: Sequence[int],
    *,
    by_bytes: bool = False,
    worth: str = "hit_ratio",
    ttl_s: float | None = None,
    limit: int = LIMIT,
    beat: Beat | None = None,
) -> Curve:
    """The miss ratio curve of a policy.

    LRU over results is exact in one pass by its stack distances; every other is replayed at each
    size. Of more than `limit` requests, samples of about that many stand for all, five times with
    other keys; their spread is the error that each point states.

    Args:
        requests: all of a trace.
        name: row of POLICIES.
        capacities: sizes; `engine.cache.sizes.spaced` makes some.
        by_bytes: whether sizes count.
        worth: what hits are counted by: a row of WORTH.
        ttl_s: time to live in seconds of the trace's time.
        limit: requests that are replayed without sampling.
        beat: told how far it is; may stop it.

    Raises:
        PolicyError: as `compare`, or nothing here is worth anything, or `worth` is no row of WORTH.
        UnknownName: there is no such policy.
    """
    check(requests)
    policy: Policy = resolve(POLICIES, name, "policy")()
    total = _worth(requests, worth).sum()
    if not total > 0:
        raise PolicyError(f"No request costs anything, so there is no {worth}; ask for hit_ratio.")
    ask = _Asked(policy, by_bytes, worth, ttl_s, beat)
    rate = min(1.0, limit / len(requests))
    wanted = sorted(set(capacities))
    small = wanted if rate == 1 else [c for c in wanted if c * rate < _LEAST]
    exact = ask.missed(requests, small, total, 0.0)
    points = [Point(c, m, m, m, True) for c, m in zip(small, exact, strict=True)]
    points += _estimated(ask, requests, wanted[len(small) :], rate, total)
    return Curve(name, policy.title, by_bytes, worth, rate, tuple(points))


def _estimated(
    ask: _Asked, requests: Requests, capacities: Sequence[int], rate: float, total: float
) -> list[Point]:
    if not capacities:
        return []
    scaled = [round(capacity * rate) for capacity in capacities]
    # The sample's misses over the expected, not the actual, sample: whether a very hot key is in
    # it or not changes hits alone (the correction of SHARDS).
    found = np.array(
        [
            ask.missed(sampled(requests, rate, salt), scaled, total * rate, salt / SALTS)
            for salt in range(SALTS)
        ]
    )
    half = _T_95 * found.std(axis=0, ddof=1) / sqrt(SALTS)
    mean = found.mean(axis=0)
    return [
        Point(c, _ratio(m), _ratio(m - h), _ratio(m + h), False)
        for c, m, h in zip(capacities, mean, half, strict=True)
    ]


class _Asked:
    """Everything about a curve but its requests and sizes."""

    def __init__(
        self, policy: Policy, by_bytes: bool, worth: str, ttl_s: float | None, beat: Beat | None
    ) -> None:
        self._policy, self._by_bytes, self._worth, self._ttl_s = policy, by_bytes, worth, ttl_s
        self._beat = beat

    def missed(
        self, requests: Requests, capacities: Sequence[int], total: float, done: float
    ) -> list[float]:
        """Worth of the misses at each size over `total`."""
        if not capacities or not len(requests):
            return [0.0] * len(capacities)
        self._tell(done)
        worth = _worth(requests, self._worth)
        if self._policy.name == "lru" and not self._by_bytes and self._ttl_s is None:
            return _by_distance(requests, worth, capacities, total)
        return [float(worth.sum(where=~self._hits(requests, c, done)) / total) for c in capacities]

    def _hits(self, requests: Requests, capacity: int, done: float) -> NDArray[np.bool_]:
        self._tell(done)
        room = Room(capacity, self._by_bytes, requests.distinct)
        return begin(self._policy, room, requests, self._ttl_s, 0).feed(requests)

    def _tell(self, done: float) -> None:
        if self._beat is not None and self._beat(done, self._policy.title):
            raise PolicyError("The curve was stopped; nothing of it is kept.")


def _by_distance(
    requests: Requests, worth: NDArray[np.float64], capacities: Sequence[int], total: float
) -> list[float]:
    from engine.cache.stackdistance import hits_by_distance

    for capacity in capacities:
        Room(capacity, False, requests.distinct)
    upto = np.cumsum(hits_by_distance(requests, worth))
    all_of_it = worth.sum()
    return [float((all_of_it - upto[min(c, len(upto) - 1)]) / total) for c in capacities]


def _worth(requests: Requests, worth: str) -> NDArray[np.float64]:
    """What a hit at each request is worth, float64[n]."""
    if worth not in WORTH:
        raise PolicyError(f"Hits cannot be counted by {worth!r}; choose one of {', '.join(WORTH)}.")
    if worth == "hit_ratio":
        return np.ones(len(requests))
    return requests.size.astype(np.float64) if worth == "byte_hit_ratio" else requests.cost


def _ratio(value: float) -> float:
    return float(min(1.0, max(0.0, value)))
