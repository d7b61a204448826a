"""Which column of a source's table means what, found by reflection and the mapping."""

from __future__ import annotations

import logging
from enum import StrEnum

import msgspec
from sqlalchemy import Column, Engine, MetaData, Table, inspect, select
from sqlalchemy.exc import NoSuchTableError, OperationalError, SQLAlchemyError
from sqlalchemy.types import Date, DateTime, Numeric, String, TypeEngine

from engine.errors import SourceError
from engine.sources import COLUMNS

_log = logging.getLogger(__name__)

REQUIRED = ("timestamp", "cache_key", "load_time_ms")
"""Without these a row says nothing about caching. Without `hit` every row counts as a miss."""

_MICROSECONDS_FROM = 1e14
_MILLISECONDS_FROM = 1e11


class Clockwork(StrEnum):
    """How a source writes its times."""

    SECONDS = "seconds"
    MILLISECONDS = "milliseconds"
    MICROSECONDS = "microseconds"
    DATETIME = "datetime"
    ISO_TEXT = "text"


class Layout(msgspec.Struct, frozen=True):
    """A readable source: its table, our name -> its column, and how it writes times.

    `notes` are sentences for a person: what is assumed, and what would make reading faster.
    """

    table: Table
    columns: dict[str, Column[object]]
    clockwork: Clockwork
    notes: tuple[str, ...]


def discover(engine: Engine, table_name: str, mapping: dict[str, str]) -> Layout:
    """Look at a source's table and match its columns to ours.

    Raises:
        SourceError: no such table, a mapped column that is not there, or a required one missing.
    """
    table = _reflect(engine, table_name)
    columns: dict[str, Column[object]] = {}
    for ours in COLUMNS:
        yours = mapping.get(ours, ours)
        if yours in table.c:
            columns[ours] = table.c[yours]
        elif ours in mapping:
            raise SourceError(
                f"SOURCE_MAPPING maps {ours} to {yours!r}, but the table {table_name} has no such "
                f"column; it has: {', '.join(table.c.keys())}."
            )
        elif ours in REQUIRED:
            raise SourceError(
                f"The table {table_name} has no column {ours}; name yours in SOURCE_MAPPING as "
                f"{ours}=…, one of: {', '.join(table.c.keys())}."
            )
    notes = []
    if "hit" not in columns:
        notes.append(f"The table {table_name} has no column hit: every row counts as a miss.")
    if not _indexed(engine, table_name, columns["timestamp"].name):
        notes.append(
            f"The table {table_name} has no index that starts with {columns['timestamp'].name}, so "
            f"following it reads it whole; make one with: {_statement(engine, columns)}"
        )
    for note in notes:
        _log.warning("%s", note)
    return Layout(table, columns, _clockwork(engine, columns["timestamp"]), tuple(notes))


def _reflect(engine: Engine, name: str) -> Table:
    schema, _, bare = name.rpartition(".")
    try:
        return Table(bare, MetaData(), schema=schema or None, autoload_with=engine)
    except NoSuchTableError:
        try:
            there = ", ".join(inspect(engine).get_table_names(schema=schema or None)[:20])
        except SQLAlchemyError:
            there = ""
        raise SourceError(
            f"SOURCE_URL has no table {name!r}; set SOURCE_TABLE to one of: {there or '(none)'}."
        ) from None
    except OperationalError as error:
        raise SourceError(
            f"SOURCE_URL cannot be reached: {error.orig}; check host, port, name and password."
        ) from None


def _indexed(engine: Engine, name: str, column: str) -> bool:
    schema, _, bare = name.rpartition(".")
    there = inspect(engine)
    leading = [
        (index["column_names"] or [None])[0]
        for index in there.get_indexes(bare, schema=schema or None)
    ]
    key = there.get_pk_constraint(bare, schema=schema or None).get("constrained_columns") or []
    return column in leading or key[:1] == [column]


def _statement(engine: Engine, columns: dict[str, Column[object]]) -> str:
    stamp = columns["timestamp"]
    quote = engine.dialect.identifier_preparer.quote
    table = stamp.table
    name = f"ix_{table.name}_{stamp.name}"
    return f"CREATE INDEX {quote(name)} ON {quote(table.name)} ({quote(stamp.name)})"


def _clockwork(engine: Engine, stamp: Column[object]) -> Clockwork:
    kind: TypeEngine[object] = stamp.type
    if isinstance(kind, DateTime | Date):
        return Clockwork.DATETIME
    if isinstance(kind, String):
        return Clockwork.ISO_TEXT
    with engine.connect() as connection:
        found = connection.execute(
            select(stamp).where(stamp.is_not(None)).order_by(stamp.desc()).limit(1)
        ).scalar()
    if isinstance(found, str):
        return Clockwork.ISO_TEXT
    if found is not None and not isinstance(found, int | float) and not isinstance(kind, Numeric):
        raise SourceError(
            f"The column {stamp.name} holds {found!r}; the time of a request must be epoch "
            "seconds, epoch milliseconds or a DATETIME."
        )
    newest = float(found or 0)  # type: ignore[arg-type]
    if newest >= _MICROSECONDS_FROM:
        return Clockwork.MICROSECONDS
    return Clockwork.MILLISECONDS if newest >= _MILLISECONDS_FROM else Clockwork.SECONDS
