"""Deleting old rows in small slices, so that no writer waits long behind it.

One statement that deletes 500,000 rows stops the other writers of SQLite for over a second.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from sqlalchemy import Column, ColumnElement, Connection, Delete, Engine, Table, delete, select

from db.rows import transaction
from db.session import reading, writing

GoOn = Callable[[], bool]

PAUSE_S = 0.01
"""Between two slices, so that waiting writers come in."""


def delete_before(
    store: Engine,
    table: Table,
    column: str,
    before: float,
    slice_rows: int = 5000,
    go_on: GoOn = lambda: True,
    **equal: Any,  # noqa: ANN401 - a value of whichever column
) -> int:
    """Delete the rows with `column` < `before` (and each column of `equal` at its value).

    Where the only index on `column` starts with another one, such as `source`, the values of that
    one are taken in turn, so that every slice follows an index.

    Args:
        store: whose rows.
        table: where from.
        column: the time that counts.
        before: what is younger stays.
        slice_rows: how many go in one statement.
        go_on: asked after each slice; False ends it there, and a later call goes on.
        equal: columns and their values.

    Returns:
        How many rows went.
    """
    fixed = [table.c[name] == value for name, value in equal.items()]
    lead = _leading(table, column, set(equal))
    if lead is None:
        return _delete(store, table.c[column], before, slice_rows, go_on, fixed)
    gone = 0
    for value in _distinct(store, lead, fixed):
        part = [*fixed, lead == value]
        gone += _delete(store, table.c[column], before, slice_rows, go_on, part)
        if not go_on():
            break
    return gone


def give_back_space(store: Engine, pages: int) -> None:
    """Return up to `pages` pages of SQLite's file that deleting left empty to the disk.

    A file made before `auto_vacuum` was set keeps its size; servers see to it themselves.
    """
    if store.dialect.name != "sqlite":
        return
    with writing(store) as connection:
        cursor = connection.connection.cursor()
        # Each step frees one page, and only a script is stepped to its end.
        cursor.executescript(f"PRAGMA incremental_vacuum({int(pages)})")
        cursor.close()


def _leading(table: Table, column: str, given: set[str]) -> Column[Any] | None:
    """The one ungiven column that stands before `column` in an index, if no index does without."""
    orders = [list(table.primary_key.columns)] + [list(index.columns) for index in table.indexes]
    candidates = []
    for order in orders:
        names = [part.name for part in order]
        if column in names:
            before = [part for part in order[: names.index(column)] if part.name not in given]
            candidates.append(before)
    if not candidates:
        raise ValueError(f"No index of {table.name} holds {column}; deleting by it would scan.")
    shortest = min(candidates, key=len)
    return shortest[0] if shortest else None


def _distinct(store: Engine, lead: Column[Any], fixed: list[ColumnElement[bool]]) -> Iterator[Any]:
    """Each value of an indexed column, by one seek each instead of a scan."""
    last: Any = None
    while True:
        beyond = fixed if last is None else [*fixed, lead > last]
        with reading(store) as connection:
            last = connection.execute(
                select(lead).where(*beyond).order_by(lead).limit(1)
            ).scalar_one_or_none()
        if last is None:
            return
        yield last


def _delete(
    store: Engine,
    key: Column[Any],
    before: float,
    slice_rows: int,
    go_on: GoOn,
    fixed: list[ColumnElement[bool]],
) -> int:
    gone = 0
    while True:
        old = [*fixed, key < before]
        with reading(store) as connection:
            edge = connection.execute(
                select(key).where(*old).order_by(key).offset(slice_rows).limit(1)
            ).scalar_one_or_none()
        # All rows of the edge's own value go too: a slice that is one value must end as well.
        part = old if edge is None else [*fixed, key <= edge]
        statement = delete(key.table).where(*part)
        gone += transaction(store, partial(_execute, statement))
        if edge is None or not go_on():
            return gone
        time.sleep(PAUSE_S)


def _execute(statement: Delete, connection: Connection) -> int:
    return connection.execute(statement).rowcount
