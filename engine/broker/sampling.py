"""One second of a queue's life after another: counts and delay percentiles."""

from __future__ import annotations

import random
import time
from collections import deque

KEPT_SECONDS = 180

DELAYS_KEPT = 2_048
"""Delays kept of one second; beyond it a uniform reservoir sample (Vitter's algorithm R)."""

Row = tuple[int | float | None, ...]
"""The fields of `base.QueueSample` in order."""

COUNTS = 5
ACCEPTED, HANDED_OUT, ACKNOWLEDGED, OVERWRITTEN, EXPIRED = range(COUNTS)


class _Reservoir:
    __slots__ = ("kept", "seen")

    def __init__(self) -> None:
        self.kept: list[int] = []
        self.seen = 0

    def extend(self, values: list[int]) -> None:
        if self.seen + len(values) <= DELAYS_KEPT:
            self.kept += values
            self.seen += len(values)
            return
        for value in values:
            self.seen += 1
            if len(self.kept) < DELAYS_KEPT:
                self.kept.append(value)
            else:
                place = int(random.random() * self.seen)  # noqa: S311 - a sample, not a secret
                if place < DELAYS_KEPT:
                    self.kept[place] = value


def percentiles_ms(delays_ns: list[int]) -> tuple[float | None, float | None, float | None]:
    """The 50th, 95th and 99th percentile in ms; None without any delay."""
    if not delays_ns:
        return None, None, None
    # A producer on a stepped clock may claim to have sent later than we accepted.
    ordered = sorted([max(0, delay) for delay in delays_ns])
    last = len(ordered) - 1
    p50, p95, p99 = (ordered[round(last * share)] / 1e6 for share in (0.50, 0.95, 0.99))
    return p50, p95, p99


class Sampling:
    """Collects figures of the running second and keeps the finished ones. The queue locks it."""

    def __init__(self) -> None:
        self.finished: deque[Row] = deque(maxlen=KEPT_SECONDS)
        self.enqueue = _Reservoir()
        self.dequeue = _Reservoir()
        self._at = int(time.time())
        self.counts = [0] * COUNTS
        """The running second's counts, by the constants above."""
        self._depth = 0
        self._depth_max = 0

    def count(self, which: int, number: int = 1) -> None:
        """Add to one of the second's counts."""
        self.counts[which] += number

    def depth(self, depth: int) -> None:
        """Tell the depth after an operation."""
        self._depth = depth
        if depth > self._depth_max:
            self._depth_max = depth

    def turn(self) -> None:
        """Finish the running second if it has passed; call before counting, and when idle."""
        now = int(time.time())
        if now == self._at:
            return
        self.finished.append(
            (
                self._at,
                self._depth_max,
                self._depth,
                *self.counts,
                *percentiles_ms(self.enqueue.kept),
                *percentiles_ms(self.dequeue.kept),
            )
        )
        self._at = now
        self.counts = [0] * COUNTS
        self._depth_max = self._depth
        self.enqueue = _Reservoir()
        self.dequeue = _Reservoir()
