"""Rows that come later than the collector waits: found by counting, and summed up again.

A writer's spool may deliver rows a minute old after an outage.
"""

from __future__ import annotations

import logging

from engine.collector import persist
from engine.collector.aggregate import Window, by_second
from engine.collector.costs import Costs
from engine.collector.reader import RowReader
from engine.collector.shelf import Shelf
from engine.collector.windows import Windows
from engine.records import TOTAL, Request

_log = logging.getLogger(__name__)

STEP_S = 10


class Latecomers:
    """Compares what is stored with what was counted, a few minutes back."""

    def __init__(self, reader: RowReader, windows: Windows) -> None:
        self._reader = reader
        self._windows = windows
        self._unreadable: dict[int, int] = {}

    def reconcile(self, shelf: Shelf, costs: Costs, settled: int, span_s: int) -> int:
        """Sum up again each stretch that has grown; returns how many rows it grew by."""
        late = 0
        oldest = max(settled - span_s, 0) // STEP_S * STEP_S
        self._unreadable = {at: n for at, n in self._unreadable.items() if at >= oldest}
        for start in range(oldest, settled, STEP_S):
            end = min(start + STEP_S, settled)
            counted = shelf.requests(persist.RECORDED, start, end, TOTAL)
            there = self._reader.count(start, end)
            if there <= counted + self._unreadable.get(start, 0):
                continue
            window = self._windows.between(start, end)
            # Rows without a key, time or load time are there and never counted.
            self._unreadable[start] = there - len(window.requests)
            grown = len(window.requests) - counted
            if grown > 0:
                late += grown
                _sum_up(shelf, costs, window)
                _find_again(shelf, start, settled, grown)
        if late:
            _log.info("%d rows came late and have been added.", late)
        return late


def _sum_up(shelf: Shelf, costs: Costs, window: Window) -> None:
    draft: dict[str, float] = {}

    def cost_before(request: Request) -> float | None:
        known = draft.get(request.cache_key)
        if known is not None:
            return known
        return costs.known(request.cache_key, request.timestamp)

    def learn(request: Request) -> None:
        draft[request.cache_key] = request.load_time_ms

    for at, names in by_second(window, cost_before, learn).items():
        old = (shelf.get(persist.RECORDED, at) or {}).get(TOTAL)
        if old is not None and TOTAL in names:
            names[TOTAL].missing = old.missing
        shelf.put(persist.RECORDED, at, names)


def _find_again(shelf: Shelf, start: int, settled: int, count: int) -> None:
    """Rows that came late are missing no more: their gap was counted at or behind them."""
    for at in range(start, settled):
        names = shelf.get(persist.RECORDED, at) or {}
        total = names.get(TOTAL)
        if total is None or not total.missing or not count:
            continue
        found = min(total.missing, count)
        count -= found
        changed = total.copy()
        changed.missing -= found
        shelf.put(persist.RECORDED, at, {**names, TOTAL: changed})
