"""The two statements that differ between the databases: insert-or-ignore and upsert.

A dialect is imported where it is spoken: each of the others would stay in every service's memory.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from sqlalchemy import Table
from sqlalchemy.sql.dml import Insert


def insert_or_ignore(dialect: str, table: Table) -> Insert:
    """Insert rows; one whose key is already there changes nothing.

    MySQL's INSERT IGNORE would also swallow rows that are wrong (too long, null), so a duplicate
    key is answered by setting a key column to itself.
    """
    if dialect == "mysql":
        from sqlalchemy.dialects import mysql

        key = next(iter(table.primary_key.columns))
        return mysql.insert(table).on_duplicate_key_update({key.name: key})
    ignored: Insert = _insert(dialect, table).on_conflict_do_nothing()
    return ignored


def upsert(dialect: str, table: Table, columns: Collection[str]) -> Insert:
    """Insert rows; where the primary key is already there, replace the given `columns`."""
    key = [column.name for column in table.primary_key.columns]
    replaced = [name for name in columns if name not in key]
    if not replaced:
        return insert_or_ignore(dialect, table)
    if dialect == "mysql":
        from sqlalchemy.dialects import mysql

        insert = mysql.insert(table)
        return insert.on_duplicate_key_update({name: insert.inserted[name] for name in replaced})
    statement = _insert(dialect, table)
    values = {name: statement.excluded[name] for name in replaced}
    upserted: Insert = statement.on_conflict_do_update(index_elements=key, set_=values)
    return upserted


def _insert(dialect: str, table: Table) -> Any:  # noqa: ANN401 - one class a dialect, same methods
    if dialect == "postgresql":
        from sqlalchemy.dialects import postgresql

        return postgresql.insert(table)
    from sqlalchemy.dialects import sqlite

    return sqlite.insert(table)
