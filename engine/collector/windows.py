"""Raw rows of a stretch of time, as much at once as can be worked off between two heartbeats."""

from __future__ import annotations

import math

from sqlalchemy import Engine

from engine.collector import persist
from engine.collector.aggregate import Window
from engine.collector.reader import RowReader
from engine.records import Request

LEAST, MOST = 1_000, 20_000
LARGEST = 1_000_000
"""Rows of one turn; the last bound is for a single stretch that cannot be cut."""

TURN_S = 1.0
"""A turn should take about so long, whatever the machine, so that heartbeats go on."""

WHOLE_S = 10
"""Seconds that old rows are cut into: as long as the finest rollup that is kept of them."""


class Windows:
    """Cuts what a source recorded into windows; bigger ones while turns are quick."""

    def __init__(self, reader: RowReader, store: Engine, source: int) -> None:
        self._reader = reader
        self._store = store
        self._source = source
        self._limit = LEAST

    def upto(self, start: int, now: float, settled: float) -> tuple[Window, float]:
        """Everything from `start` up to `now`, or a batch of it; and where it ends.

        A batch of rows older than `settled` covers at least one stretch of WHOLE_S.

        Raises:
            OverflowError: more than LARGEST requests within one stretch.
        """
        requests, end = self._requests(start, now, settled)
        return self._window(requests, start, end), end

    def between(self, start: float, end: float, most: int = LARGEST) -> Window:
        """Everything recorded with start <= time < end, up to `most` requests."""
        return self._window(self._reader.rows(start, end, most), start, end)

    def took(self, seconds: float) -> None:
        """Say how long a full batch took, so that the next one fits its time."""
        if seconds > TURN_S:
            self._limit = max(LEAST, self._limit // 2)
        elif seconds < TURN_S / 3:
            self._limit = min(MOST, self._limit * 2)

    def _requests(self, start: int, now: float, settled: float) -> tuple[list[Request], float]:
        limit = self._limit
        while True:
            requests = self._reader.rows(start, now, limit)
            if len(requests) < limit - self._reader.last_skipped:
                return requests, now
            end = math.floor(requests[-1].timestamp) if requests else start
            if end < settled:
                end = max(start, end // WHOLE_S * WHOLE_S)
            if end > start:
                return [request for request in requests if request.timestamp < end], float(end)
            if limit >= LARGEST:
                raise OverflowError(
                    f"more than {LARGEST} requests within {WHOLE_S} seconds at {start}"
                )
            limit = min(LARGEST, limit * 4)

    def _window(self, requests: list[Request], start: float, end: float) -> Window:
        if not self._reader.in_store:
            return Window(requests)
        return Window(
            requests,
            persist.load_refreshes(self._store, self._source, start, end),
            persist.load_occupancy(self._store, self._source, start, end),
        )
