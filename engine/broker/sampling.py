"""One second of a queue's life after another: counts and delay percentiles."""

from __future__ import annotations

import math
import random
import time
from collections import deque
from typing import NamedTuple

KEPT_SECONDS = 180

DELAYS_KEPT = 2_048
"""Delays kept of one second; beyond it a uniform sample of them."""

Row = tuple[int | float | None, ...]
"""The fields of `base.QueueSample` in order."""

COUNTS = 5
ACCEPTED, HANDED_OUT, ACKNOWLEDGED, OVERWRITTEN, EXPIRED = range(COUNTS)


class _Reservoir:
    """A uniform sample that looks only at the values it takes: algorithm L (Li 1994)."""

    __slots__ = ("_next", "_share", "kept", "seen")

    def __init__(self) -> None:
        self.kept: list[int] = []
        self.seen = 0
        self._share = 1.0
        self._next = DELAYS_KEPT - 1
        self._skip()

    def add(self, value: int) -> None:
        if self.seen < DELAYS_KEPT:
            self.kept.append(value)
            self.seen += 1
        else:
            self.extend([value])

    def extend(self, values: list[int]) -> None:
        before = self.seen
        self.seen = before + len(values)
        if before < DELAYS_KEPT:
            self.kept += values[: DELAYS_KEPT - before]
        while self._next < self.seen:
            self.kept[int(random.random() * DELAYS_KEPT)] = values[self._next - before]  # noqa: S311 - a sample, not a secret
            self._skip()

    def _skip(self) -> None:
        """Choose the number of the next value to take."""
        self._share *= (1.0 - random.random()) ** (1 / DELAYS_KEPT)  # noqa: S311
        self._next += 1 + int(math.log(1.0 - random.random()) / math.log1p(-self._share))  # noqa: S311


def percentiles_ms(delays_ns: list[int]) -> tuple[float | None, float | None, float | None]:
    """The 50th, 95th and 99th percentile in ms; None without any delay."""
    if not delays_ns:
        return None, None, None
    # A producer on a stepped clock may claim to have sent later than we accepted.
    ordered = sorted([max(0, delay) for delay in delays_ns])
    last = len(ordered) - 1
    p50, p95, p99 = (ordered[round(last * share)] / 1e6 for share in (0.50, 0.95, 0.99))
    return p50, p95, p99


class _Second(NamedTuple):
    """A finished second whose percentiles nobody has asked for: sorting would delay a put."""

    counts: Row
    enqueue: list[int]
    dequeue: list[int]

    def row(self) -> Row:
        return (*self.counts, *percentiles_ms(self.enqueue), *percentiles_ms(self.dequeue))


class Sampling:
    """Collects figures of the running second and keeps the finished ones. The queue locks it."""

    def __init__(self) -> None:
        self._finished: deque[_Second | Row] = deque(maxlen=KEPT_SECONDS)
        self.enqueue = _Reservoir()
        self.dequeue = _Reservoir()
        self._at = int(time.time())
        self.counts = [0] * COUNTS
        """The running second's counts, by the constants above."""
        self.depth_last = self.depth_max = 0
        self.due = 0
        """When the running second ends (monotonic ns); told anew by each turn."""

    def depth(self, depth: int) -> None:
        """Tell the depth after an operation."""
        self.depth_last = depth
        if depth > self.depth_max:
            self.depth_max = depth

    def turn(self) -> None:
        """Finish the running second if it has passed; call before counting, and when idle."""
        exact = time.time()
        now = int(exact)
        self.due = time.monotonic_ns() + int((now + 1 - exact) * 1e9)
        if now == self._at:
            return
        counts = (self._at, self.depth_max, self.depth_last, *self.counts)
        self._finished.append(_Second(counts, self.enqueue.kept, self.dequeue.kept))
        self._at = now
        self.counts = [0] * COUNTS
        self.depth_max = self.depth_last
        self.enqueue = _Reservoir()
        self.dequeue = _Reservoir()

    def rows(self, after: int) -> list[Row]:
        """Finished seconds later than `after`."""
        rows: list[Row] = []
        for place, second in enumerate(self._finished):
            row = second.row() if isinstance(second, _Second) else second
            self._finished[place] = row
            if int(row[0] or 0) > after:
                rows.append(row)
        return rows
