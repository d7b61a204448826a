"""One second of a queue's life after another: counts and delay percentiles."""

from __future__ import annotations

import math
import random
import time
from collections import deque
from typing import NamedTuple

from engine.broker.layout import (
    ACCEPTED,
    ACKNOWLEDGED,
    EXPIRED,
    HANDED_OUT,
    OVERWRITTEN,
    Totals,
)

KEPT_SECONDS = 180

DELAYS_KEPT = 2_048
"""Delays kept of one second; beyond it a uniform sample of them."""

Row = tuple[int | float | None, ...]
"""The fields of `base.QueueSample` in order."""

_COUNTED = (ACCEPTED, HANDED_OUT, ACKNOWLEDGED, OVERWRITTEN, EXPIRED)


class _Reservoir:
    """A uniform sample that looks only at the values it takes: algorithm L (Li 1994)."""

    __slots__ = ("_beyond", "_next", "_share", "kept")

    def __init__(self) -> None:
        self.kept: list[int] = []
        # How many values came once the list was full, and the number of the next one to take.
        self._beyond = 0
        self._next = -1
        self._share = 1.0

    def add(self, value: int) -> None:
        if len(self.kept) < DELAYS_KEPT:
            self.kept.append(value)
        else:
            self._choose([value])

    def extend(self, values: list[int]) -> None:
        room = DELAYS_KEPT - len(self.kept)
        self.kept += values[:room]
        if len(values) > room:
            self._choose(values[room:])

    def _choose(self, values: list[int]) -> None:
        before = self._beyond
        self._beyond = before + len(values)
        if self._next < 0:
            self._skip()
        while self._next < self._beyond:
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

    def __init__(self, totals: Totals, depth: int) -> None:
        self._totals = totals
        self._before = totals.copy()
        self._finished: deque[_Second | Row] = deque(maxlen=KEPT_SECONDS)
        self.enqueue = _Reservoir()
        self.dequeue = _Reservoir()
        self._at = int(time.time())
        self.depth_max = depth
        """The running second's largest depth; whoever makes the queue deeper tells it."""
        self.due = 0
        """When the running second ends (monotonic ns); told anew by each turn."""

    def turn(self, depth: int) -> None:
        """Finish the running second if it has passed; call before counting, and when idle.

        `depth` is that of this moment.
        """
        exact = time.time()
        now = int(exact)
        self.due = time.monotonic_ns() + int((now + 1 - exact) * 1e9)
        if now == self._at:
            return
        totals, before = self._totals, self._before
        counts = (self._at, self.depth_max, depth, *(totals[i] - before[i] for i in _COUNTED))
        self._finished.append(_Second(counts, self.enqueue.kept, self.dequeue.kept))
        self._at = now
        self._before = totals.copy()
        self.depth_max = depth
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
