"""Reading raw rows of the active source, in order of time, in bounded batches."""

from __future__ import annotations

import contextlib
import logging
import math
from collections.abc import Callable, Iterator
from typing import Any

from sqlalchemy import ColumnElement, Engine, Row, Select, event, func, select
from sqlalchemy.exc import SQLAlchemyError

from db import tables
from db.session import reading
from engine.collector.columns import Layout, away, discover, find_stamps, raw
from engine.collector.names import MAX_LENGTH, endpoint_of
from engine.collector.opening import open_source
from engine.collector.stamps import Clockwork, Stamps
from engine.errors import SourceError
from engine.keys import clean, stored_key
from engine.records import TOTAL, Request
from engine.sources import Source

_log = logging.getLogger(__name__)

YES = frozenset({"hit", "1", "true", "t", "yes", "y", "stale", "updating", "revalidated"})
"""What a recorded hit is written as, in lower case: databases, nginx, Squid."""

_END_OF_TIME = 4e9
_LARGEST = 1e15
"""Above it a size in bytes or a time in ms is a mistake, and no database could hold the sums."""


class RowReader:
    """Reads one source's requests; never writes to it.

    Raises:
        SourceAway: a user's database does not answer; from every method that reads.
        SourceError: its table does not fit, or its times cannot be read.
    """

    def __init__(
        self, source: Source, store: Engine, beat: Callable[[], object] = lambda: None
    ) -> None:
        """Read `source`; `beat` is called after each statement on a user's database."""
        self._source = source
        self._engine = open_source(source.url) if source.url else store
        if source.url:
            # Each may take seconds on a table without an index, and many make one turn.
            event.listen(self._engine, "after_cursor_execute", lambda *_: beat())
        shared = not source.url and source.table == tables.cache_metrics.name
        self._filter = shared
        self.layout = self._own_layout() if shared else self._discovered()
        self.skipped = self.last_skipped = 0
        self._stamp: ColumnElement[Any] = raw(self._engine, self.layout.columns["timestamp"])
        self._stamps = self.layout.stamps
        self._names = list(self.layout.columns)

    def close(self) -> None:
        """Give the connections to a user's database back."""
        if self._source.url:
            self._engine.dispose()

    @property
    def in_store(self) -> bool:
        """Whether the rows lie in our own `cache_metrics`, with refreshes and occupancy beside."""
        return self._filter

    def rows(self, start: float, end: float, limit: int) -> list[Request]:
        """The oldest `limit` requests with start <= timestamp < end, ordered by time.

        `last_skipped` tells how many of the `limit` rows were left out: those that cannot be
        read, and those that came with a bound written in whole seconds.
        """
        self.last_skipped = 0
        stamps = self._known_stamps()
        if stamps is None:
            return []
        labelled: list[Any] = [
            (self._stamp if ours == "timestamp" else column).label(f"c_{ours}")
            for ours, column in self.layout.columns.items()
        ]
        query = self._between(select(*labelled), stamps, start, end)
        order: list[Any] = [self._stamp]
        if "id" in self.layout.columns:
            order.append(self.layout.columns["id"])
        with self._connection() as connection:
            found = connection.execute(query.order_by(*order).limit(limit)).all()
        read = (self._request(stamps, row) for row in found)
        requests = [one for one in read if one is not None and start <= one.timestamp < end]
        self.last_skipped = len(found) - len(requests)
        return requests

    def first(self) -> float | None:
        """Time of the oldest row, in seconds; None when there is none."""
        return self._edge(func.min(self._stamp))

    def last(self) -> float | None:
        """Time of the newest row, in seconds; None when there is none."""
        return self._edge(func.max(self._stamp))

    def count(self, start: int, end: int) -> int:
        """How many rows there are with start <= timestamp < end, both whole seconds."""
        stamps = self._known_stamps()
        if stamps is None:
            return 0
        query = self._between(select(func.count()), stamps, start, end)
        with self._connection() as connection:
            return int(connection.execute(query).scalar_one())

    def _edge(self, chosen: ColumnElement[Any]) -> float | None:
        stamps = self._known_stamps()
        if stamps is None:
            return None
        # Within bounds, so that a row with an empty or senseless time is neither edge.
        with self._connection() as connection:
            query = self._between(select(chosen), stamps, 0.0, _END_OF_TIME)
            found = connection.execute(query).scalar()
        try:
            return None if found is None else stamps.seconds(found)
        except (TypeError, ValueError):
            return None

    def _known_stamps(self) -> Stamps | None:
        """How times are written; an empty table is asked again until it has a row."""
        if self._stamps is None:
            with self._told_as_away():
                self._stamps = find_stamps(self._engine, self.layout.columns["timestamp"])
        return self._stamps

    @contextlib.contextmanager
    def _connection(self) -> Iterator[Any]:
        with self._told_as_away(), reading(self._engine) as connection:
            yield connection

    @contextlib.contextmanager
    def _told_as_away(self) -> Iterator[None]:
        try:
            yield
        except SQLAlchemyError as error:
            if not self._source.url:
                raise
            raise away(self._engine, error) from None

    def _between(self, query: Select[Any], stamps: Stamps, start: float, end: float) -> Select[Any]:
        query = query.select_from(self.layout.table).where(
            self._stamp >= stamps.bound(start), self._stamp < stamps.bound(end, up=True)
        )
        if self._filter:
            return query.where(tables.cache_metrics.c.source == self._source.id)
        return query

    def _own_layout(self) -> Layout:
        own = tables.cache_metrics
        return Layout(own, dict(own.c.items()), Stamps(Clockwork.SECONDS), ())

    def _discovered(self) -> Layout:
        try:
            with self._told_as_away():
                return discover(self._engine, self._source.table, self._source.mapping)
        except SourceError:
            self.close()
            raise

    def _request(self, stamps: Stamps, row: Row[Any]) -> Request | None:
        values = dict(zip(self._names, row, strict=True))
        try:
            load_time_ms = float(values["load_time_ms"])
            timestamp = stamps.seconds(values["timestamp"])
            size_bytes = max(int(values.get("size_bytes") or 0), 0)
            sequence = int(values.get("sequence") or 0)
        except (TypeError, ValueError, OverflowError):
            load_time_ms = timestamp = math.nan
            size_bytes = sequence = 0
        usable = load_time_ms < _LARGEST and math.isfinite(timestamp) and size_bytes < _LARGEST
        if values["cache_key"] is None or not usable:
            self._skip()
            return None
        key = str(values["cache_key"])
        stale = values.get("stale")
        return Request(
            timestamp=timestamp,
            cache_name=_name(values.get("cache_name"), key),
            cache_key=stored_key(key),
            hit=_is_hit(values.get("hit")),
            load_time_ms=max(load_time_ms, 0.0),
            size_bytes=size_bytes,
            stale=None if stale is None else bool(stale),
            writer=clean(str(values.get("writer") or "")),
            sequence=sequence,
        )

    def _skip(self) -> None:
        self.skipped += 1
        if self.skipped in {1, 10, 100, 1000} or self.skipped % 10_000 == 0:
            _log.warning(
                "%d rows of %s had no readable key, time, load time or size and were left out.",
                self.skipped,
                self.layout.table.name,
            )


def _name(given: object, key: str) -> str:
    name = clean(str(given)[:MAX_LENGTH] if given else endpoint_of(key))
    # The total has this name to itself.
    return "{any}" if name == TOTAL else name


def _is_hit(value: object) -> bool:
    if isinstance(value, str):
        return value.strip().lower() in YES
    return bool(value)
