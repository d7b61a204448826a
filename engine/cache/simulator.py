"""Replaying recorded requests through policies, and comparing what each would have saved.

Load time saved is the cost savings ratio of P. Scheuermann, J. Shim, R. Vingralek, WATCHMAN: a data
warehouse intelligent cache manager, VLDB 1996.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence

import msgspec
import numpy as np
from numpy.typing import NDArray

from engine.cache import POLICIES
from engine.cache.base import Policy, Replay, Room
from engine.errors import PolicyError
from engine.registry import resolve
from engine.traces.trace import Requests

CHUNK = 1 << 18
"""Requests between two looks at whether to stop."""

CLASSIC, LIMIT, OPTIMUM, REFERENCE = "classic", "limit", "optimum", "reference"

Beat = Callable[[float, str], bool]
"""Told the share done and what is replayed; True: stop."""


class Tally(msgspec.Struct):
    """What was asked for and what of it was held; costs in ms, sizes in bytes."""

    requests: int = 0
    hits: int = 0
    bytes: int = 0
    hit_bytes: int = 0
    cost: float = 0.0
    hit_cost: float = 0.0

    def add(self, requests: Requests, hits: NDArray[np.bool_]) -> None:
        """Count more requests."""
        self.requests += len(requests)
        self.hits += int(np.count_nonzero(hits))
        self.bytes += int(requests.size.sum())
        self.hit_bytes += int(requests.size.sum(where=hits))
        self.cost += float(requests.cost.sum())
        self.hit_cost += float(requests.cost.sum(where=hits))

    @property
    def hit_ratio(self) -> float:
        """Hits over requests."""
        return self.hits / self.requests if self.requests else 0.0

    @property
    def byte_hit_ratio(self) -> float:
        """Bytes of hits over bytes."""
        return self.hit_bytes / self.bytes if self.bytes else 0.0

    @property
    def load_time_saved(self) -> float:
        """Cost of hits over cost of all requests; 0 where nothing costs anything."""
        return self.hit_cost / self.cost if self.cost else 0.0


class Outcome(msgspec.Struct, frozen=True):
    """One policy at one size.

    Args:
        policy: row of POLICIES.
        title: as people write it.
        kind: classic; limit (always and never); optimum; or reference (it knows the future, but
            with sizes, a time to live or as to costs it is no bound).
        capacity: results or bytes.
        whole: over all requests, the empty cache's misses included.
        judged: over the last ones alone, the cache warmed by those before.
        seconds: that the replay took.
    """

    policy: str
    title: str
    kind: str
    capacity: int
    whole: Tally
    judged: Tally
    seconds: float


def compare(
    requests: Requests,
    policies: Sequence[str],
    capacities: Sequence[int],
    *,
    by_bytes: bool = False,
    ttl_s: float | None = None,
    judged_from: float = 0.5,
    seed: int = 0,
    beat: Beat | None = None,
) -> list[Outcome]:
    """Replay every policy at every capacity, in the order given, sizes outermost.

    Memory: some arrays over the distinct keys, and 8 bytes a request for offline policies.

    Args:
        requests: all of a trace.
        policies: rows of POLICIES.
        capacities: results, or bytes where `by_bytes`.
        by_bytes: whether sizes count.
        ttl_s: time to live in seconds of the trace's time; None: for ever.
        judged_from: share of the requests that warm the cache and are not judged, 0 to 1.
        seed: of policies that sample.
        beat: told how far it is; may stop it.

    Raises:
        PolicyError: a capacity or time to live is not above 0, there are no requests, a cost is
            negative or not finite, or `beat` stopped it.
        UnknownName: there is no such policy.
    """
    check(requests)
    chosen: list[Policy] = [resolve(POLICIES, name, "policy")() for name in policies]
    jobs = [(Room(c, by_bytes, requests.distinct), p) for c in capacities for p in chosen]
    found = []
    for done, (room, policy) in enumerate(jobs):

        def told(share: float, done: int = done, policy: Policy = policy) -> bool:
            return beat is not None and beat((done + share) / len(jobs), policy.title)

        found.append(_outcome(policy, room, requests, ttl_s, judged_from, seed, told))
    return found


def check(requests: Requests) -> None:
    """See that requests can be replayed.

    Raises:
        PolicyError: there are none, or a cost is negative or not finite.
    """
    if not len(requests):
        raise PolicyError("There is no request to replay; choose a trace that has some.")
    bad = ~(np.isfinite(requests.cost) & (requests.cost >= 0))
    if bad.any():
        first = int(np.argmax(bad))
        raise PolicyError(
            f"{int(bad.sum()):,} load times are negative or no numbers, the first "
            f"({requests.cost[first]}) at request {first + 1:,}; import the trace anew."
        )


def begin(policy: Policy, room: Room, requests: Requests, ttl_s: float | None, seed: int) -> Replay:
    """An empty cache that will be fed exactly `requests`.

    Raises:
        PolicyError: the time to live is not above zero.
    """
    replay = policy.start_for(room, requests, seed)
    if ttl_s is None:
        return replay
    from engine.cache.expiry import Expiring

    return Expiring(replay, room, ttl_s)


def kind_of(policy: Policy, by_bytes: bool, ttl_s: float | None) -> str:
    """Classic, limit, optimum or reference."""
    if policy.is_choice:
        return CLASSIC
    if not policy.offline:
        return LIMIT
    return OPTIMUM if policy.name == "belady" and not by_bytes and ttl_s is None else REFERENCE


def _outcome(
    policy: Policy,
    room: Room,
    requests: Requests,
    ttl_s: float | None,
    judged_from: float,
    seed: int,
    told: Callable[[float], bool],
) -> Outcome:
    whole, judged = Tally(), Tally()
    warm = int(len(requests) * judged_from)
    started = time.perf_counter()
    replay = begin(policy, room, requests, ttl_s, seed)
    for start, stop in _pieces(len(requests), warm):
        if told(start / len(requests)):
            raise PolicyError("The comparison was stopped; nothing of it is kept.")
        part = requests.slice(start, stop)
        hits = replay.feed(part)
        whole.add(part, hits)
        if start >= warm:
            judged.add(part, hits)
    kind = kind_of(policy, room.by_bytes, ttl_s)
    took = time.perf_counter() - started
    return Outcome(policy.name, policy.title, kind, room.capacity, whole, judged, took)


def _pieces(count: int, cut: int) -> Iterator[tuple[int, int]]:
    """(start, stop) of pieces of at most CHUNK, none across the cut."""
    for begin_at, end in ((0, cut), (cut, count)):
        for start in range(begin_at, end, CHUNK):
            yield start, min(start + CHUNK, end)
