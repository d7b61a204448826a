"""Following a source: one turn reads what is new, sums it up and stores it.

The last seconds are read again in every turn, because rows are committed out of order. Sums are
always made anew from all rows of a second, never added to, so no row can count twice, and a turn
that died before its commit leaves nothing behind.
"""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Sequence
from typing import NamedTuple, Protocol

from sqlalchemy import Engine

from engine.collector import persist
from engine.collector.aggregate import Gaps, Window, add_missing, by_second
from engine.collector.costs import Cost, Costs, Draft
from engine.collector.late import Latecomers
from engine.collector.reader import RowReader
from engine.collector.shelf import SECONDS_KEPT_S, Shelf
from engine.collector.sums import Seconds
from engine.collector.windows import MOST, Windows
from engine.sources import Source

_log = logging.getLogger(__name__)

LAG_S = 5
"""A second is settled this long after it ended."""

WARM_UP_S = 240
"""Seconds that shadows replay after a restart: as long as things are kept."""


class Replays(Protocol):
    """Shadow policies: they see each settled request once, in order."""

    names: Sequence[str]
    totals_only: frozenset[str]

    def prepare(self, since: float) -> None:
        """Read what was decided and predicted from then on; database errors pass through."""

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
        self,
        source: Source,
        store: Engine,
        reader: RowReader,
        replays: Replays | None = None,
        history_s: float = math.inf,
        fence: persist.Fence = lambda _: None,
    ) -> None:
        """Follow `source`.

        Args:
            source: whose rows.
            store: our own store.
            reader: reads the rows.
            replays: the shadows that see them too.
            history_s: how long before a source's newest row collecting begins at the earliest.
            fence: asked in the transaction of each turn; it raises when we may not go on.
        """
        self._source = source
        self._store = store
        self._reader = reader
        self._history_s = history_s
        self._windows = Windows(reader, store, source.id)
        self._replays = replays
        self._cursor, self.watermark = persist.load_cursor(store, source.id)
        self._gaps = Gaps(self._cursor.expected)
        self._fence = fence
        self._late = Latecomers(reader, self._windows, self._cursor)
        settled = self._cursor.settled or 0
        doubt = math.inf if self._cursor.doubt is None else self._cursor.doubt
        self._costs = persist.load_costs(store, source.id, settled)
        self.shelf: Shelf = persist.load_shelf(
            store, source.id, settled, replays.names if replays else (), doubt
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
            SQLAlchemyError: our store is away; nothing of this turn was stored, try again.
            SourceAway: the same of a user's database.
        """
        begun = time.monotonic()
        start = self._start()
        if start is None:
            persist.commit(self._store, self._source.id, (), {}, self._cursor, now, self._fence)
            self.watermark = now
            return Turn(0, now, False)
        if self._replays is not None:
            self._replays.prepare(start if self._is_warm else start - WARM_UP_S)
            self._warm_up()
        window, end = self._windows.upto(start, now, now - SECONDS_KEPT_S)
        is_behind = end < now
        final = self._final(start, end, now)
        self._sum_up(window)
        changes = self._costs.changes() | self._settle(window, final)
        expected = self._gaps.after(window, final)
        settled = persist.Cursor(final, self._cursor.first, expected)
        if not is_behind:
            self._late.follow(settled, self.shelf, start, now)
        only = self._replays.totals_only if self._replays else frozenset()
        rows = self.shelf.rows(self._source.id, now, only, final)
        watermark = max(self.watermark, end)
        persist.commit(self._store, self._source.id, rows, changes, settled, watermark, self._fence)
        self._accept(window, settled)
        self.watermark = watermark
        if is_behind:
            self._windows.took(time.monotonic() - begun)
        return Turn(len(window.requests), watermark, is_behind)

    def reconcile(self, span_s: int = 300) -> int:
        """Find rows that came later than the lag; returns how many there were."""
        return self._late.reconcile(self.shelf, self._costs, self.settled, span_s)

    def rewind(self) -> bool:
        """Start anew when rows older than any seen before have turned up in our own store.

        A user's table is not asked for its oldest row again and again.
        """
        if not self._reader.in_store:
            return False
        first = self._reader.first()
        if first is None or self._cursor.first is None or first >= self._cursor.first - 1.0:
            return False
        begin, before = self._oldest(first), self._oldest(self._cursor.first)
        if begin >= before:
            self._cursor.first = first
            return False
        _log.info("Rows older than any before have come; collecting from them on.")
        self._cursor = persist.Cursor(begin, first, {})
        self._gaps = Gaps()
        self._costs = Costs()
        return True

    def _start(self) -> int | None:
        """The second to go on from; None while the source has no row."""
        if self._cursor.settled is None:
            first = self._reader.first()
            if first is None:
                return None
            self._cursor.first = first
            self._cursor.settled = self._replayed = self._oldest(first)
            if self._cursor.settled > first:
                _log.info("Rows older than %.0f h are left out.", self._history_s / 3600)
        return self._cursor.settled

    def _oldest(self, first: float) -> int:
        """The first second worth collecting: what retention would delete at once is left out."""
        last = self._reader.last() or first
        return math.floor(max(first, last - self._history_s))

    def _warm_up(self) -> None:
        """Fill the shadows' caches once after a restart; what they do meanwhile is told already."""
        if self._is_warm or self._replays is None:
            return
        rows = self._reader.rows(self.settled - WARM_UP_S, self.settled, MOST)
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
        self._costs.saved()
        self._cursor = settled
        self._gaps = Gaps(settled.expected)
        self.shelf.written(final, math.inf if settled.doubt is None else settled.doubt)


def _between(window: Window, start: float, end: float) -> Window:
    return Window(
        [request for request in window.requests if start <= request.timestamp < end],
        [refresh for refresh in window.refreshes if start <= refresh.timestamp < end],
        [held for held in window.occupancy if start <= held.at < end],
    )
