"""Reading raw rows of the active source, in order of time, in bounded batches."""

from __future__ import annotations

import contextlib
import logging
import math
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import URL, Column, Engine, Row, Select, create_engine, event, func, select
from sqlalchemy.exc import SQLAlchemyError

from db import tables
from db.session import reading
from engine.collector.columns import Clockwork, Layout, discover
from engine.collector.names import endpoint_of
from engine.errors import SourceError
from engine.records import Request
from engine.settings import normalise_url
from engine.sources import Source

_log = logging.getLogger(__name__)

_SCALE = {Clockwork.SECONDS: 1.0, Clockwork.MILLISECONDS: 1e3, Clockwork.MICROSECONDS: 1e6}
_YES = frozenset({"hit", "1", "true", "t", "yes", "y", "stale", "revalidated"})
_KEY_LENGTH = 255


class RowReader:
    """Reads one source's requests; never writes to it.

    Raises:
        SourceError: the source cannot be reached or its table does not fit.
    """

    def __init__(self, source: Source, store: Engine) -> None:
        self._source = source
        self._engine = open_source(source.url) if source.url else store
        shared = not source.url and source.table == tables.cache_metrics.name
        self._filter = shared
        self.layout = (
            Layout(
                tables.cache_metrics,
                dict(tables.cache_metrics.c.items()),
                Clockwork.SECONDS,
                (),
            )
            if shared
            else _discovered(self._engine, source)
        )
        self.skipped = self.last_skipped = 0
        self._to_time = _from_source(self.layout.clockwork)
        self._names = list(self.layout.columns)

    @property
    def in_store(self) -> bool:
        """Whether the rows lie in our own `cache_metrics`, with refreshes and occupancy beside."""
        return self._filter

    def rows(self, start: float, end: float, limit: int) -> list[Request]:
        """The oldest `limit` requests with start <= timestamp < end, ordered by time."""
        stamp = self._stamp
        labelled: list[Any] = [
            column.label(f"c_{ours}") for ours, column in self.layout.columns.items()
        ]
        wanted: Select[Any] = select(*labelled)
        query = self._scoped(wanted).where(stamp >= self._bound(start), stamp < self._bound(end))
        order = [stamp]
        if "id" in self.layout.columns:
            order.append(self.layout.columns["id"])
        with self._connection() as connection:
            found = connection.execute(query.order_by(*order).limit(limit)).all()
        requests = [request for row in found if (request := self._request(row)) is not None]
        self.last_skipped = len(found) - len(requests)
        return requests

    def first(self) -> float | None:
        """Time of the oldest row, in seconds; None when there is none."""
        with self._connection() as connection:
            found = connection.execute(self._scoped(select(func.min(self._stamp)))).scalar()
        return None if found is None else self._to_time(found)

    def count(self, start: float, end: float) -> int:
        """How many rows there are with start <= timestamp < end."""
        stamp = self._stamp
        query = self._scoped(select(func.count())).where(
            stamp >= self._bound(start), stamp < self._bound(end)
        )
        with self._connection() as connection:
            return int(connection.execute(query).scalar_one())

    @property
    def _stamp(self) -> Column[Any]:
        return self.layout.columns["timestamp"]

    @contextlib.contextmanager
    def _connection(self) -> Iterator[Any]:
        with reading(self._engine) as connection:
            yield connection

    def _scoped(self, query: Select[Any]) -> Select[Any]:
        query = query.select_from(self.layout.table)
        if self._filter:
            return query.where(tables.cache_metrics.c.source == self._source.id)
        return query

    def _bound(self, at: float) -> Any:  # noqa: ANN401 - whatever the source's column compares to
        clockwork = self.layout.clockwork
        if clockwork is Clockwork.DATETIME:
            zone = UTC if getattr(self._stamp.type, "timezone", False) else None
            moment = datetime.fromtimestamp(at, UTC)
            return moment if zone else moment.replace(tzinfo=None)
        if clockwork is Clockwork.ISO_TEXT:
            return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M:%S.%f")
        return at * _SCALE[clockwork]

    def _request(self, row: Row[Any]) -> Request | None:
        values = dict(zip(self._names, row, strict=True))
        key = values["cache_key"]
        try:
            load_time_ms = float(values["load_time_ms"])
            timestamp = self._to_time(values["timestamp"])
        except (TypeError, ValueError):
            load_time_ms = timestamp = math.nan
        if key is None or not math.isfinite(load_time_ms) or not math.isfinite(timestamp):
            self._skip()
            return None
        key = str(key)
        name = values.get("cache_name")
        stale = values.get("stale")
        return Request(
            timestamp=timestamp,
            cache_name=str(name)[:120] if name else endpoint_of(key),
            cache_key=key[:_KEY_LENGTH],
            hit=_is_hit(values.get("hit")),
            load_time_ms=max(load_time_ms, 0.0),
            size_bytes=max(int(values.get("size_bytes") or 0), 0),
            stale=None if stale is None else bool(stale),
            writer=str(values.get("writer") or ""),
            sequence=int(values.get("sequence") or 0),
        )

    def _skip(self) -> None:
        self.skipped += 1
        if self.skipped in {1, 10, 100, 1000} or self.skipped % 10_000 == 0:
            _log.warning(
                "%d rows of %s had no key, time or load time and were left out.",
                self.skipped,
                self.layout.table.name,
            )


def open_source(url: str) -> Engine:
    """An engine that only reads: the database itself refuses writes.

    Raises:
        SettingsError: the URL names no database we know.
    """
    parsed = normalise_url(url, "SOURCE_URL")
    backend = parsed.get_backend_name()
    if backend == "sqlite":
        return _read_only_sqlite(parsed)
    if backend == "postgresql":
        arguments: dict[str, Any] = {
            "connect_timeout": 3,
            "options": "-c default_transaction_read_only=on -c timezone=UTC",
        }
    else:
        arguments = {
            "connect_timeout": 3,
            "read_timeout": 60,
            "init_command": "SET SESSION time_zone = '+00:00'",
        }
    engine = create_engine(parsed, pool_pre_ping=True, pool_size=2, connect_args=arguments)
    if backend == "mysql":
        _on_connect(engine, "SET SESSION TRANSACTION READ ONLY")
    return engine


def _read_only_sqlite(parsed: URL) -> Engine:
    read_only = parsed.set(database=f"file:{parsed.database}").update_query_dict(
        {"mode": "ro", "uri": "true"}
    )
    engine = create_engine(read_only, connect_args={"timeout": 3.0})
    _on_connect(engine, "PRAGMA query_only=ON")
    return engine


def _on_connect(engine: Engine, statement: str) -> None:
    @event.listens_for(engine, "connect")
    def _prepare(connection: Any, _record: object) -> None:  # noqa: ANN401 - DBAPI
        cursor = connection.cursor()
        cursor.execute(statement)
        cursor.close()


def _discovered(engine: Engine, source: Source) -> Layout:
    try:
        return discover(engine, source.table, source.mapping)
    except SQLAlchemyError as error:
        cause = getattr(error, "orig", None) or error
        raise SourceError(
            f"SOURCE_URL cannot be read: {' '.join(str(cause).split())[:200]}; "
            "check host, port, name and password."
        ) from None


def _from_source(clockwork: Clockwork) -> Any:  # noqa: ANN401 - a function of any column value
    if clockwork is Clockwork.DATETIME:
        return _seconds_of
    if clockwork is Clockwork.ISO_TEXT:
        return lambda text: _seconds_of(datetime.fromisoformat(str(text)))
    scale = _SCALE[clockwork]
    return float if scale == 1.0 else lambda number: float(number) / scale


def _seconds_of(moment: datetime) -> float:
    aware = moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
    return aware.timestamp()


def _is_hit(value: object) -> bool:
    if isinstance(value, str):
        return value.strip().lower() in _YES
    return bool(value)
