"""Following a source: one turn reads what is new, sums it up and stores it.

The last seconds are read again in every turn, because rows are committed out of order. Sums are
always made anew from all rows of a second, never added to, so no row can count twice, and a turn
that died before its commit leaves nothing behind.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Sequence
from typing import NamedTuple, Protocol

from sqlalchemy import Engine

from engine.collector import persist
from engine.collector.aggregate import Gaps, Window, add_missing, by_second
from engine.collector.costs import Cost, Costs, Draft
from engine.collector.reader import RowReader
from engine.collector.shelf import SECONDS_KEPT_S, Shelf
from engine.collector.sums import Seconds
from engine.records import TOTAL, Request
from engine.sources import Source

_log = logging.getLogger(__name__)

LAG_S = 5
"""A second is settled this long after it ended."""

WARM_UP_S = 240
"""Seconds that shadows replay after a restart: as long as things are kept."""

BATCH = 20_000
_LARGEST_BATCH = 1_000_000


class Replays(Protocol):
    """Shadow policies: they see each settled request once, in order."""

    names: Sequence[str]
    totals_only: frozenset[str]

    def prepare(self, now: float) -> None:
        """Read what was decided and predicted of late; database errors pass through."""

    def feed(self, window: Window, costs: Costs, end: int) -> dict[str, Seconds]:
        """Replay settled rows up to second `end`; returns policy -> seconds."""


class Turn(NamedTuple):
    """What one turn did."""

    rows: int
    watermark: float
    is_behind: bool


class Follower:
    """Follows one source from where the store says it stands."""

    def __init__(
        self, source: Source, store: Engine, reader: RowReader, replays: Replays | None = None
    ) -> None:
        self._source = source
        self._store = store
        self._reader = reader
        self._replays = replays
        self._cursor, self.watermark = persist.load_cursor(store, source.id)
        self._gaps = Gaps(self._cursor.expected)
        settled = self._cursor.settled or 0
        self._costs = persist.load_costs(store, source.id, settled)
        self.shelf: Shelf = persist.load_shelf(
            store, source.id, settled, replays.names if replays else ()
        )
        self._replayed = settled
        self._is_warm = replays is None or not settled

    @property
    def settled(self) -> int:
        """All seconds before this one are final."""
        return self._cursor.settled or 0

    def turn(self, now: float) -> Turn:
        """Collect up to `now`, or a batch of it when far behind.

        Raises:
            SQLAlchemyError: a database is away; nothing of this turn was stored, try again.
        """
        if self._cursor.settled is None:
            first = self._reader.first()
            if first is None:
                persist.commit(self._store, self._source.id, (), {}, self._cursor, now)
                self.watermark = now
                return Turn(0, now, False)
            self._cursor.first = first
            self._cursor.settled = self._replayed = math.floor(first)
        start = self._cursor.settled
        if self._replays is not None:
            self._replays.prepare(now)
            self._warm_up()
        requests, end = self._read(start, now)
        is_behind = end < now
        final = self._final(start, end, now)
        window = Window(
            requests,
            persist.load_refreshes(self._store, self._source.id, start, end) if self._owns else (),
            persist.load_occupancy(self._store, self._source.id, start, end) if self._owns else (),
        )
        self._sum_up(window)
        changes = self._settle(window, final)
        expected = self._gaps.after(window, final)
        settled = persist.Cursor(final, self._cursor.first, expected)
        only = self._replays.totals_only if self._replays else frozenset()
        rows = self.shelf.rows(self._source.id, now, only, final)
        watermark = max(self.watermark, end)
        persist.commit(self._store, self._source.id, rows, changes, settled, watermark)
        self._accept(window, settled)
        self.watermark = watermark
        return Turn(len(requests), watermark, is_behind)

    def reconcile(self, span_s: int = 300) -> int:
        """Find rows that came later than the lag and sum their seconds up again.

        A writer's spool may deliver rows a minute old after an outage. Returns how many there
        were.
        """
        late = 0
        for start in range(max(self.settled - span_s, 0) // 10 * 10, self.settled, 10):
            end = min(start + 10, self.settled)
            counted = self.shelf.requests(persist.RECORDED, start, end, TOTAL)
            there = self._reader.count(start, end)
            if there > counted:
                late += there - counted
                self._sum_up_late(start, end)
                self._find_again(start, there - counted)
        if late:
            _log.info("%d rows came late and have been added.", late)
        return late

    def rewind(self) -> bool:
        """Start anew when rows older than any seen before have turned up."""
        first = self._reader.first()
        if first is None or self._cursor.first is None or first >= self._cursor.first - 1.0:
            return False
        _log.info("Rows older than any before have come; collecting from them on.")
        self._cursor = persist.Cursor(math.floor(first), first, {})
        self._gaps = Gaps()
        self._costs = Costs()
        return True

    @property
    def _owns(self) -> bool:
        return self._reader.in_store

    def _read(self, start: int, now: float) -> tuple[list[Request], float]:
        """Requests from `start` on, whole seconds of them when there are too many for one turn."""
        limit = BATCH
        while True:
            requests = self._reader.rows(start, now, limit)
            if len(requests) < limit - self._reader.last_skipped:
                return requests, now
            end = math.floor(requests[-1].timestamp) if requests else start
            if end > start:
                return [request for request in requests if request.timestamp < end], float(end)
            if limit >= _LARGEST_BATCH:
                raise OverflowError(f"more than {limit} requests within one second at {start}")
            limit *= 4

    def _warm_up(self) -> None:
        """Fill the shadows' caches once after a restart; what they do meanwhile is told already."""
        if self._is_warm or self._replays is None:
            return
        rows = self._reader.rows(self.settled - WARM_UP_S, self.settled, BATCH)
        self._replays.feed(Window(rows), self._costs, self.settled)
        self._is_warm = True

    @staticmethod
    def _final(start: int, end: float, now: float) -> int:
        final = max(start, min(math.floor(end), math.floor(now) - LAG_S))
        old = final < now - SECONDS_KEPT_S
        # Old seconds are not stored, so an open bucket of ten could not be made whole again.
        return final // 10 * 10 if old and final // 10 * 10 > start else final

    def _sum_up(self, window: Window) -> None:
        draft = Draft(self._costs)
        seconds = by_second(
            window,
            lambda request: draft.latest(request.cache_key),
            lambda request: draft.learn(request.cache_key, request.load_time_ms),
        )
        add_missing(seconds, self._gaps.missing(window))
        for at, names in seconds.items():
            self.shelf.put(persist.RECORDED, at, names)

    def _settle(self, window: Window, final: int) -> dict[str, Cost]:
        """What becomes final: changed costs, and the shadows' share of it (fed once each)."""
        changes = {
            request.cache_key: Cost(
                request.load_time_ms, request.timestamp, request.cache_name, request.size_bytes
            )
            for request in window.requests
            if not request.hit and request.timestamp < final
        }
        if self._replays is not None and final > self._replayed:
            fresh = _between(window, self._replayed, final)
            for policy, seconds in self._replays.feed(fresh, self._costs, final).items():
                for at, names in seconds.items():
                    self.shelf.put(policy, at, names)
            self._replayed = final
        return changes

    def _accept(self, window: Window, settled: persist.Cursor) -> None:
        """The turn is stored: let memory follow."""
        final = settled.settled or 0
        for request in window.requests:
            if request.timestamp >= final:
                break
            if request.hit:
                self._costs.touch(request.cache_key)
            else:
                self._costs.learn(
                    request.cache_key,
                    Cost(
                        request.load_time_ms,
                        request.timestamp,
                        request.cache_name,
                        request.size_bytes,
                    ),
                )
        self._cursor = settled
        self._gaps = Gaps(settled.expected)
        self.shelf.written(final)

    def _sum_up_late(self, start: int, end: int) -> None:
        window = Window(
            self._reader.rows(start, end, _LARGEST_BATCH),
            persist.load_refreshes(self._store, self._source.id, start, end) if self._owns else (),
            persist.load_occupancy(self._store, self._source.id, start, end) if self._owns else (),
        )
        draft: dict[str, float] = {}

        def cost_before(request: Request) -> float | None:
            known = draft.get(request.cache_key)
            if known is not None:
                return known
            return self._costs.known(request.cache_key, request.timestamp)

        def learn(request: Request) -> None:
            draft[request.cache_key] = request.load_time_ms

        for at, names in by_second(window, cost_before, learn).items():
            old = (self.shelf.get(persist.RECORDED, at) or {}).get(TOTAL)
            if old is not None and TOTAL in names:
                names[TOTAL].missing = old.missing
            self.shelf.put(persist.RECORDED, at, names)

    def _find_again(self, start: int, count: int) -> None:
        """Rows that came late are missing no more: their gap was counted at or behind them."""
        for at in range(start, self.settled):
            names = self.shelf.get(persist.RECORDED, at) or {}
            total = names.get(TOTAL)
            if total is None or not total.missing or not count:
                continue
            found = min(total.missing, count)
            count -= found
            changed = total.copy()
            changed.missing -= found
            self.shelf.put(persist.RECORDED, at, {**names, TOTAL: changed})


def _between(window: Window, start: float, end: float) -> Window:
    return Window(
        [request for request in window.requests if start <= request.timestamp < end],
        [refresh for refresh in window.refreshes if start <= refresh.timestamp < end],
        [held for held in window.occupancy if start <= held.at < end],
    )
