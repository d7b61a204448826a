"""Rows that come later than the collector waits: found by counting, and summed up again.

A writer's spool delivers the rows of an outage minutes later, and in one go. Seconds without any
row, for longer than usual, are therefore held in doubt until some time after they ended.

The shadows do not see these rows: a cache meets requests in order of time, and to go back would
mean to replay everything since. The Agent page says how many they were.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Iterator

from engine.collector import persist
from engine.collector.aggregate import Window, by_second
from engine.collector.costs import Cost, Costs
from engine.collector.reader import RowReader
from engine.collector.shelf import Shelf
from engine.collector.sums import Sums
from engine.collector.windows import Windows
from engine.records import TOTAL, Request

_log = logging.getLogger(__name__)

STEP_S = 10
SPAN_S = 300
"""How far back rows are expected at any time; a longer silence is held in doubt for so long."""

DOUBT_S = 3600
"""The longest silence whose rows are waited for; a writer's spool holds less than half of it."""


class Latecomers:
    """Compares what is stored with what was counted, a few minutes back or since an outage."""

    def __init__(self, reader: RowReader, windows: Windows, cursor: persist.Cursor) -> None:
        self._reader = reader
        self._windows = windows
        self._unreadable: dict[int, int] = {}
        self.doubt, self._doubt_until = cursor.doubt, cursor.doubt_until
        self._full: int | None = None

    def follow(self, cursor: persist.Cursor, shelf: Shelf, start: int, now: float) -> None:
        """Look at the seconds that became final in a turn, and note in `cursor` what to doubt."""
        final = cursor.settled or 0
        full = self._full
        if full is None:
            before = range(start - 1, start - SPAN_S - 1, -1)
            full = next((at for at in before if _total(shelf, at)), start - 1)
        edges = [at for at in range(max(start, final - DOUBT_S), final) if _total(shelf, at)]
        for at in [*edges, final]:
            if at - full > SPAN_S:
                since = max(full, final - DOUBT_S) // SPAN_S * SPAN_S
                self.doubt = since if self.doubt is None else min(self.doubt, since)
                self._doubt_until = now + SPAN_S
            full = at if at < final else full
        self._full = full
        if self.doubt is not None:
            self.doubt = max(self.doubt, (final - DOUBT_S) // SPAN_S * SPAN_S)
            if now > self._doubt_until:
                self.doubt = None
        cursor.doubt, cursor.doubt_until = self.doubt, self._doubt_until

    def reconcile(self, shelf: Shelf, costs: Costs, settled: int, span_s: int = SPAN_S) -> int:
        """Sum up again each stretch that has grown; returns how many rows it grew by."""
        late = 0
        oldest = max(settled - span_s, 0) // STEP_S * STEP_S
        if self.doubt is not None:
            oldest = min(oldest, self.doubt // STEP_S * STEP_S)
        self._unreadable = {at: n for at, n in self._unreadable.items() if at >= oldest}
        for start, there in self._grown(shelf, oldest, settled):
            end = min(start + STEP_S, settled)
            counted = shelf.requests(persist.RECORDED, start, end, TOTAL)
            window = self._windows.between(start, end)
            # Rows without a key, time or load time are there and never counted.
            self._unreadable[start] = there - len(window.requests)
            grown = len(window.requests) - counted
            if grown > 0:
                late += grown
                _sum_up(shelf, costs, window)
                _find_again(shelf, start, settled, grown)
        if late:
            _log.info("%d rows came late and have been added; the shadows did not see them.", late)
        return late

    def _grown(self, shelf: Shelf, start: int, end: int) -> Iterator[tuple[int, int]]:
        """Steps with more rows than known, and how many; one count where nothing came late."""
        if start >= end:
            return
        there = self._reader.count(start, end)
        known = shelf.requests(persist.RECORDED, start, end, TOTAL)
        known += sum(n for at, n in self._unreadable.items() if start <= at < end)
        if there <= known:
            return
        if end - start <= STEP_S:
            yield start, there
            return
        middle = start + max((end - start) // STEP_S // 2, 1) * STEP_S
        yield from self._grown(shelf, start, middle)
        yield from self._grown(shelf, middle, end)


def _total(shelf: Shelf, at: int) -> Sums | None:
    return (shelf.get(persist.RECORDED, at) or {}).get(TOTAL)


def _sum_up(shelf: Shelf, costs: Costs, window: Window) -> None:
    """Sum the window's seconds anew; a saving stays as it was where rows do not tell it better."""
    draft: dict[str, float] = {}
    unpriced: set[tuple[int, str]] = set()

    def cost_before(request: Request) -> float | None:
        known = draft.get(request.cache_key)
        if known is None:
            known = costs.known(request.cache_key, request.timestamp)
        if known is None:
            unpriced.add((math.floor(request.timestamp), request.cache_name))
        return known

    def learn(request: Request) -> None:
        draft[request.cache_key] = request.load_time_ms
        costs.learn_late(
            request.cache_key,
            Cost(request.load_time_ms, request.timestamp, request.cache_name, request.size_bytes),
        )

    for at, names in by_second(window, cost_before, learn).items():
        old = shelf.get(persist.RECORDED, at) or {}
        total, before = names.get(TOTAL), old.get(TOTAL)
        if before is not None and total is not None and total.requests < before.requests:
            continue  # rows have gone from the source; what was summed up stays
        for name, sums in names.items():
            held = old.get(name)
            if held is None:
                continue
            sums.missing = held.missing
            if sums.requests <= held.requests or (at, name) in unpriced:
                sums.saved_ms = held.saved_ms
        if total is not None:
            total.saved_ms = sum(s.saved_ms for name, s in names.items() if name != TOTAL)
        shelf.put(persist.RECORDED, at, names)


def _find_again(shelf: Shelf, start: int, settled: int, count: int) -> None:
    """Rows that came late are missing no more: their gap was counted at or behind them."""
    for at in range(start, settled):
        total = _total(shelf, at)
        if total is None or not total.missing or not count:
            continue
        found = min(total.missing, count)
        count -= found
        changed = total.copy()
        changed.missing -= found
        names = shelf.get(persist.RECORDED, at) or {}
        shelf.put(persist.RECORDED, at, {**names, TOTAL: changed})
