"""Recorded requests in a database: only read, page by page in the order of time.

A page ends before the last time in it unless it is the last page, and the next one begins there:
rows of one time are never torn, whether or not the table has a key. That needs no more than an
index on the time.
"""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
from sqlalchemy import Connection, Engine, Select, func, select
from sqlalchemy.exc import SQLAlchemyError

from db.session import patiently, reading
from engine.collector.columns import away, index_statement, is_indexed, raw, reflect
from engine.errors import SourceError, TraceError
from engine.traces.base import Faults
from engine.traces.mapping import Mapper, match
from engine.traces.options import TIME, Options
from engine.traces.values import Times

PAGE = 20_000
MOST_AT_ONCE = 1_000_000
"""Rows of one page; the second bound is for rows that all have one time."""

PATIENCE_S = 120.0
"""How long a server may be silent within a statement: without an index each page reads the whole
table, and nobody but this import waits for it."""

_log = logging.getLogger(__name__)


class Database:
    """The rows of one table, as a recording.

    Args:
        engine: of the database; it is only read.
        table: the table's name, with its schema if need be.
        options: the mapping and unit.
        faults: counts rows that cannot be read.
        source: only rows whose column `source` is this; None for all.
        is_ours: whether `engine` is our own store, which stays open.
        usual: a mapping that holds as far as the table has its columns, behind that of `options`.
        option: what named the table, for the message that it is not there.

    Raises:
        SourceError: there is no such table.
        TraceError: no column can be the key or the time.
        SourceAway: the database does not answer.
    """

    def __init__(
        self,
        engine: Engine,
        table: str,
        options: Options,
        faults: Faults,
        source: int | None = None,
        is_ours: bool = False,
        usual: Mapping[str, str] | None = None,
        option: str = "table",
    ) -> None:
        self.faults = faults
        self.notes: list[str] = []
        self._engine = engine
        self._is_ours = is_ours
        self._source = source
        with self._told_as_away():
            self._table = reflect(engine, table, option)
            where = f"The table {table}"
            names = list(self._table.c.keys())
            known = {ours: yours for ours, yours in (usual or {}).items() if yours in names}
            self.mapped = match(names, known | dict(options.mapping), options.unit, where)
            self.roles = self.mapped.roles
            if TIME not in self.mapped.roles:
                raise TraceError(
                    f"{where} has no column that can be the time; name one as {TIME}=…, one of: "
                    f"{', '.join(names[:40])}."
                )
            stamp = self._table.c[self.mapped.roles[TIME][0]]
            # Our own table has an index that begins with the source.
            if source is None and not is_indexed(engine, table, stamp.name):
                _log.warning(
                    "%s has no index that starts with %s, so each page reads it whole; make one "
                    "with: %s", where, stamp.name, index_statement(engine, stamp),
                )  # fmt: skip
        self._stamp: Any = raw(engine, stamp)
        self._columns = [
            (self._stamp if name == stamp.name else self._table.c[name]).label(f"c{at}")
            for at, name in enumerate(self.mapped.wanted)
        ]
        self._time_at = self.mapped.wanted.index(stamp.name)
        self._mapper = Mapper(self.mapped, faults)
        self._edges = (0.0, 0.0)
        self._at = 0.0

    def tables(self) -> Iterator[pa.Table]:
        """The rows up to the newest of this moment; those without a time are counted."""
        first, last = self._first_and_last()
        if first is None:
            return
        bounds = _times([first, last])
        self._edges = (float(bounds[0]), float(bounds[1]))
        row, limit, start = 1, PAGE, first
        while True:
            rows = self._page(start, last, limit)
            is_last = len(rows) < limit
            whole = rows if is_last else _without_last_time(rows, self._time_at)
            if not whole and rows:
                if limit >= MOST_AT_ONCE:
                    raise TraceError(
                        f"More than {MOST_AT_ONCE:,} rows of {self._table.name} have the time "
                        f"{start}; map {TIME} to a column that tells them apart."
                    )
                limit *= 4
                continue
            if whole:
                lines = pa.array(np.arange(row, row + len(whole)))
                yield self._mapper.table(self._arrow(whole), lines)
                self._at = float(_times([whole[-1][self._time_at]])[0])
                row += len(whole)
            if is_last:
                return
            limit, start = PAGE, rows[-1][self._time_at]

    def share(self) -> float:
        """How far the time of the last page lies between the oldest and the newest row."""
        first, last = self._edges
        return (self._at - first) / (last - first) if last > first and self._at else 0.0

    def close(self) -> None:
        """Give the connections to a user's database back."""
        if not self._is_ours:
            self._engine.dispose()

    def _first_and_last(self) -> tuple[Any, Any]:
        query = select(func.min(self._stamp), func.max(self._stamp))
        absent = select(func.count()).where(self._stamp.is_(None))
        with self._told_as_away(), self._reading() as connection:
            first, last = connection.execute(self._of_source(query)).one()
            count = connection.execute(self._of_source(absent)).scalar_one()
        if count:
            self.faults.add(0, "", "it has no time", count)
        return first, last

    def _page(self, start: Any, last: Any, limit: int) -> Sequence[Any]:  # noqa: ANN401 - any time
        query = self._of_source(select(*self._columns))
        query = query.where(self._stamp >= start, self._stamp <= last)
        query = query.order_by(self._stamp, *self._table.primary_key.columns).limit(limit)
        with self._told_as_away(), self._reading() as connection:
            return connection.execute(query).all()

    @contextlib.contextmanager
    def _reading(self) -> Iterator[Connection]:
        with reading(self._engine) as connection, patiently(connection, PATIENCE_S):
            yield connection

    def _arrow(self, rows: Sequence[Any]) -> pa.Table:
        columns = zip(*rows, strict=True)
        made = {}
        for name, values in zip(self.mapped.wanted, columns, strict=True):
            # MySQL's BOOLEAN is TINYINT(1).
            is_truth = getattr(self._table.c[name].type, "display_width", None) == 1
            made[name] = _truths(values) if is_truth else _array(values)
        return pa.table(made)

    def _of_source(self, query: Select[Any]) -> Select[Any]:
        query = query.select_from(self._table)
        if self._source is None:
            return query
        return query.where(self._table.c.source == self._source)

    @contextlib.contextmanager
    def _told_as_away(self) -> Iterator[None]:
        try:
            yield
        except SQLAlchemyError as error:
            self.close()
            if self._is_ours:
                raise
            raise away(self._engine, error, PATIENCE_S) from None
        except (SourceError, TraceError):
            self.close()
            raise


def _without_last_time(rows: Sequence[Any], at: int) -> Sequence[Any]:
    last, count = rows[-1][at], len(rows)
    while count and rows[count - 1][at] == last:
        count -= 1
    return rows[:count]


def _times(values: Sequence[Any]) -> Any:  # noqa: ANN401 - float64
    return Times().seconds(_array(values))


def _truths(values: Sequence[Any]) -> Any:  # noqa: ANN401 - an Arrow array
    return pa.array([None if value is None else bool(value) for value in values], pa.bool_())


def _array(values: Sequence[Any]) -> Any:  # noqa: ANN401 - an Arrow array
    """An Arrow array of what a driver gives; mixed kinds (SQLite allows them) become texts."""
    try:
        made = pa.array(values)
    except (pa.ArrowInvalid, pa.ArrowTypeError):
        texts = [None if value is None else _text(value) for value in values]
        return pa.array(texts, pa.string())
    if pa.types.is_binary(made.type):
        return pa.array([None if value is None else _text(value) for value in values], pa.string())
    return made.cast(pa.float64()) if pa.types.is_decimal(made.type) else made


def _text(value: object) -> str:
    return value.decode(errors="replace") if isinstance(value, bytes) else str(value)
