"""Inserts that go to SQLite's driver as they are: the general way costs as much as the database.

Statement and conversions are SQLAlchemy's, asked for once per table and set of columns; only its
work per row is left out.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from operator import itemgetter
from typing import Any, NamedTuple

from sqlalchemy import Dialect, Table

from db import statements


class Prepared(NamedTuple):
    """One statement and how a row becomes its parameters."""

    sql: str
    names: tuple[str, ...]
    converters: tuple[Callable[[Any], Any] | None, ...]

    def parameters(self, rows: Sequence[Mapping[str, Any]]) -> list[tuple[Any, ...]]:
        """The rows in the statement's order, converted column by column."""
        columns = zip(*map(itemgetter(*self.names), rows), strict=True)
        converted = [
            column if convert is None else map(convert, column)
            for convert, column in zip(self.converters, columns, strict=True)
        ]
        return list(zip(*converted, strict=True))


@functools.lru_cache(maxsize=256)
def insert_or_ignore(table: Table, names: tuple[str, ...]) -> Prepared | None:
    """The prepared insert; None where a column's value is made in Python, or there is but one."""
    dialect = _sqlite()
    compiled = statements.insert_or_ignore("sqlite", table).compile(
        dialect=dialect, column_keys=names
    )
    order = tuple(compiled.positiontup or ())
    if len(order) < 2 or set(order) != set(names):
        return None
    types = (table.c[name].type.dialect_impl(dialect) for name in order)
    return Prepared(str(compiled), order, tuple(kind.bind_processor(dialect) for kind in types))


@functools.cache
def _sqlite() -> Dialect:
    from sqlalchemy.dialects import sqlite  # only where the store is one

    return sqlite.dialect()
