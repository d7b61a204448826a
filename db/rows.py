"""Writing many rows at once: insert-or-ignore and upsert, in slices, safe to repeat.

Each function takes the store, and then is one transaction of its own, or an open connection from
`db.session.writing`, so that several writes commit together.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine, Table
from sqlalchemy.exc import DBAPIError

from db import prepared, statements
from db.faults import is_deadlock
from db.session import writing

Row = Mapping[str, Any]
Target = Engine | Connection
Result = TypeVar("Result")

SLICE = 1000
"""Rows of one statement; past this a larger slice is no faster, only a longer lock."""

_ATTEMPTS = 5


def insert(store: Target, table: Table, rows: Sequence[Row]) -> int:
    """Insert rows; those whose unique key is already there are ignored.

    Returns:
        How many were new.
    """
    if not rows:
        return 0

    def write(connection: Connection) -> int:
        return sum(_insert(connection, table, part) for part in _slices(table, rows))

    return transaction(store, write)


def _insert(connection: Connection, table: Table, rows: list[Row]) -> int:
    if connection.dialect.name == "sqlite":
        fast = prepared.insert_or_ignore(table, tuple(rows[0]))
        if fast is not None:
            done = connection.exec_driver_sql(fast.sql, fast.parameters(rows))
            return max(0, done.rowcount)
    statement = statements.insert_or_ignore(connection.dialect.name, table)
    statement = statement.execution_options(preserve_rowcount=True)
    return max(0, connection.execute(statement, rows).rowcount)


def upsert(store: Target, table: Table, rows: Sequence[Row]) -> None:
    """Insert rows; where a primary key is already there, replace the columns that are given."""
    if not rows:
        return

    def write(connection: Connection) -> None:
        for part in _slices(table, rows):
            statement = statements.upsert(connection.dialect.name, table, tuple(part[0]))
            connection.execute(statement, part)

    transaction(store, write)


def transaction(store: Target, write: Callable[[Connection], Result]) -> Result:
    """Run `write` in a transaction, again if the database gave another one precedence.

    On an open connection it runs once, as part of the caller's transaction.
    """
    if isinstance(store, Connection):
        return write(store)
    for attempt in range(1, _ATTEMPTS + 1):
        try:
            with writing(store) as connection:
                return write(connection)
        except DBAPIError as error:
            if attempt == _ATTEMPTS or not is_deadlock(error):
                raise
        time.sleep(random.uniform(0.01, 0.05) * attempt)  # noqa: S311 - only to part two writers
    raise AssertionError  # the last attempt returned or raised


def _slices(table: Table, rows: Sequence[Row]) -> Iterator[list[Row]]:
    """Lists of at most SLICE rows that have the same columns; order within those is kept."""
    shapes: dict[tuple[str, ...], list[Row]] = {}
    last: tuple[str, ...] = ()
    same: list[Row] = []
    for row in rows:
        shape = tuple(row)
        if shape != last:  # most follow one of their own kind: comparing is cheaper than hashing
            last, same = shape, shapes.setdefault(shape, [])
        same.append(row)
    for shape, same in shapes.items():
        if strange := set(shape) - set(table.c.keys()):
            # SQLAlchemy would leave them out without a word.
            raise ValueError(f"{table.name} has no column {', '.join(sorted(strange))}.")
        for start in range(0, len(same), SLICE):
            yield same[start : start + SLICE]
