"""From raw rows of a window of time to sums per second and endpoint."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence

import msgspec

from engine.collector.sums import Seconds, Sums
from engine.records import TOTAL, Request


class Refresh(msgspec.Struct, frozen=True):
    """One load ahead of expiry: a row of `cache_refreshes`."""

    timestamp: float
    cache_name: str
    load_time_ms: float


class Occupancy(msgspec.Struct, frozen=True):
    """What an endpoint held during one second: a row of `cache_occupancy`."""

    at: int
    cache_name: str
    byte_seconds: float


class Window(msgspec.Struct, frozen=True):
    """Everything a source recorded in a window of time, each list in order of time."""

    requests: Sequence[Request] = ()
    refreshes: Sequence[Refresh] = ()
    occupancy: Sequence[Occupancy] = ()


def by_second(
    window: Window,
    cost_before: Callable[[Request], float | None],
    learn: Callable[[Request], None],
) -> Seconds:
    """Sum a window per second and endpoint, with the total under "*".

    `cost_before` gives the last miss cost of a request's key known before it (ms), `learn` is
    told of each miss, in order of time. A hit on a key whose cost is unknown saves nothing that
    we could prove.
    """
    seconds: Seconds = defaultdict(dict)
    for request in window.requests:
        at = math.floor(request.timestamp)
        saved_ms = 0.0
        if request.hit:
            cost_ms = cost_before(request)
            if cost_ms is not None:
                saved_ms = cost_ms - request.load_time_ms
        else:
            learn(request)
        for name in (request.cache_name, TOTAL):
            _of(seconds, at, name).request(
                request.hit,
                bool(request.stale),
                request.load_time_ms,
                request.size_bytes,
                saved_ms,
            )
    for refresh in window.refreshes:
        for name in (refresh.cache_name, TOTAL):
            sums = _of(seconds, math.floor(refresh.timestamp), name)
            sums.refreshes += 1
            sums.refresh_ms += refresh.load_time_ms
    for held in window.occupancy:
        _of(seconds, held.at, held.cache_name).byte_seconds += held.byte_seconds
    return dict(seconds)


def add_missing(seconds: Seconds, missing: Mapping[int, int]) -> None:
    """Count rows that never reached us, on the total of the second after the gap."""
    for at, count in missing.items():
        _of(seconds, at, TOTAL).missing += count


def _of(seconds: Seconds, at: int, name: str) -> Sums:
    names = seconds.setdefault(at, {})
    sums = names.get(name)
    if sums is None:
        sums = names[name] = Sums()
    return sums


class Gaps:
    """Rows lost on their way, told by holes in each writer's sequence.

    A hole counts in the second of the row behind it. Rows that overtake each other within the
    window leave no hole, since the window is looked at as a whole.
    """

    MAX_WRITERS = 64

    def __init__(self, expected: Mapping[str, int] | None = None) -> None:
        self.expected: dict[str, int] = dict(expected or {})

    def missing(self, window: Window) -> dict[int, int]:
        """Second -> rows missing before a row of that second."""
        found: dict[int, int] = defaultdict(int)
        for writer, numbers in _sequences(window, math.inf).items():
            expected = self.expected.get(writer)
            for sequence, timestamp in sorted(numbers):
                if expected is not None and sequence > expected:
                    found[math.floor(timestamp)] += sequence - expected
                expected = max(expected or 0, sequence + 1)
        return dict(found)

    def after(self, window: Window, before: float) -> dict[str, int]:
        """The sequences to expect once rows earlier than `before` are settled."""
        expected = dict(self.expected)
        for writer, numbers in _sequences(window, before).items():
            newest = max(sequence for sequence, _ in numbers) + 1
            expected[writer] = max(newest, expected.pop(writer, 0))
        while len(expected) > self.MAX_WRITERS:
            del expected[next(iter(expected))]
        return expected


def _sequences(window: Window, before: float) -> dict[str, list[tuple[int, float]]]:
    numbers: dict[str, list[tuple[int, float]]] = defaultdict(list)
    for row in window.requests:
        if row.writer and row.timestamp < before:
            numbers[row.writer].append((row.sequence, row.timestamp))
    return numbers
