"""Running a SELECT: on the store in a short read transaction, or on an open connection."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from sqlalchemy import Connection, Engine, Select

from db.session import reading

Readable = Engine | Connection
Rows = list[dict[str, Any]]

LIMIT = 10_000
"""Most rows a query returns unless its caller says otherwise."""


def rows(store: Readable, statement: Select[Any]) -> Rows:
    """The result as a list of dicts."""
    if isinstance(store, Connection):
        return _fetch(store, statement)
    with reading(store) as connection:
        return _fetch(connection, statement)


def newest(store: Readable, statement: Select[Any]) -> Rows:
    """The result of a statement that orders newest first, turned round: oldest first."""
    return rows(store, statement)[::-1]


def first(store: Readable, statement: Select[Any]) -> dict[str, Any] | None:
    """The first row, or None."""
    found = rows(store, statement.limit(1))
    return found[0] if found else None


def _fetch(connection: Connection, statement: Select[Any]) -> Rows:
    found = connection.execute(statement)
    # A quoted column's name is a subclass of str, which strict decoders refuse as a key.
    names = [str(name) for name in found.keys()]  # noqa: SIM118 - a result, not a dict
    if connection.dialect.name == "sqlite":
        return [dict(zip(names, row, strict=True)) for row in found]
    return [dict(zip(names, map(_plain, row), strict=True)) for row in found]


def _plain(value: object) -> object:
    """Sums and means come back from servers as Decimal, which charts and JSON do not take."""
    if not isinstance(value, Decimal):
        return value
    return int(value) if value == value.to_integral_value() else float(value)
