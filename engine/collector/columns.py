"""Which column of a source's table means what, found by reflection and the mapping."""

from __future__ import annotations

import logging
from typing import Any

import msgspec
from sqlalchemy import (
    Column,
    ColumnElement,
    Engine,
    MetaData,
    Table,
    inspect,
    select,
    type_coerce,
)
from sqlalchemy.exc import NoSuchTableError, OperationalError, SQLAlchemyError
from sqlalchemy.types import Date, DateTime, NullType, TypeEngine

from db.faults import place
from db.session import SILENCE_S
from db.tables import metadata
from engine.collector.stamps import Clockwork, Stamps, stamps_of
from engine.errors import SourceAway, SourceError
from engine.sources import COLUMNS

_log = logging.getLogger(__name__)

REQUIRED = ("timestamp", "cache_key", "load_time_ms")
"""Without these a row says nothing about caching. Without `hit` every row counts as a miss."""


class Layout(msgspec.Struct, frozen=True):
    """A readable source: its table, our name -> its column, and how it writes times.

    `stamps` is None while the table is empty: only rows tell. `notes` are sentences for a person:
    what is assumed, and what would make reading faster.
    """

    table: Table
    columns: dict[str, Column[object]]
    stamps: Stamps | None
    notes: tuple[str, ...]


def discover(engine: Engine, table_name: str, mapping: dict[str, str]) -> Layout:
    """Look at a source's table and match its columns to ours.

    Raises:
        SourceError: no such table, a mapped column that is not there, or a required one missing;
            times of several forms.
        SQLAlchemyError: the database does not answer.
    """
    table = reflect(engine, table_name)
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
    stamp = columns["timestamp"]
    if not is_indexed(engine, table_name, stamp.name):
        notes.append(
            f"The table {table_name} has no index that starts with {stamp.name}, so following it "
            f"reads it whole; make one with: {index_statement(engine, stamp)}"
        )
    for note in notes:
        _log.warning("%s", note)
    return Layout(table, columns, find_stamps(engine, stamp), tuple(notes))


def reflect(engine: Engine, name: str, option: str = "SOURCE_TABLE") -> Table:
    """The table `name` (or `schema.name`) as the database has it; `option` is what named it.

    Raises:
        SourceError: there is none; the message names those that there are.
        SQLAlchemyError: the database does not answer.
    """
    schema, _, bare = name.rpartition(".")
    try:
        return Table(bare, MetaData(), schema=schema or None, autoload_with=engine)
    except (NoSuchTableError, OperationalError) as error:
        is_absent = isinstance(error, NoSuchTableError) or "unknown database" in str(error)
        if not is_absent:
            raise
        raise SourceError(
            f"{option} is {name!r}, and {_place(engine)} has no such table; give one of: "
            f"{_tables(engine, schema) or '(none)'}."
        ) from None


def _tables(engine: Engine, schema: str) -> str:
    """The first tables of a schema, those that are none of ours before ours."""
    try:
        there = inspect(engine).get_table_names(schema=schema or None)
    except SQLAlchemyError:
        return ""
    return ", ".join(sorted(there, key=lambda name: (name in metadata.tables, name))[:20])


def is_indexed(engine: Engine, name: str, column: str) -> bool:
    """Whether an index of the table `name` begins with `column`."""
    schema, _, bare = name.rpartition(".")
    there = inspect(engine)
    leading = [
        (index["column_names"] or [None])[0]
        for index in there.get_indexes(bare, schema=schema or None)
    ]
    key = there.get_pk_constraint(bare, schema=schema or None).get("constrained_columns") or []
    return column in leading or key[:1] == [column]


def index_statement(engine: Engine, stamp: Column[object]) -> str:
    """The statement that makes the index which following a table by its column `stamp` needs."""
    preparer = engine.dialect.identifier_preparer
    name = f"ix_{stamp.table.name}_{stamp.name}"
    return (
        f"CREATE INDEX {preparer.quote(name)} ON {preparer.format_table(stamp.table)} "
        f"({preparer.quote(stamp.name)})"
    )


def raw(engine: Engine, stamp: Column[object]) -> ColumnElement[Any]:
    """The column as the database holds it: SQLite keeps anything in a column named DATETIME."""
    return type_coerce(stamp, NullType()) if engine.dialect.name == "sqlite" else stamp


def find_stamps(engine: Engine, stamp: Column[object]) -> Stamps | None:
    """How times are written, told from the newest and oldest rows; None while there is no row.

    Raises:
        SourceError: the column holds no times, or times of several forms.
    """
    kind: TypeEngine[object] = stamp.type
    if engine.dialect.name != "sqlite":
        if isinstance(kind, DateTime):
            return Stamps(Clockwork.DATETIME, bool(kind.timezone))
        if isinstance(kind, Date):
            raise SourceError(
                f"The column {stamp.name} holds dates without a time of day; map timestamp to a "
                "column that tells when each request came."
            )
    values = _sample(engine, raw(engine, stamp))
    return stamps_of(values, stamp.name) if values else None


def _sample(engine: Engine, stamp: ColumnElement[Any]) -> list[Any]:
    """The newest times, the oldest, and for text the first of the newest day.

    A blank sorts before a T, so that the newest times of a day would hide the other form.
    """
    there = select(stamp).where(stamp.is_not(None))
    with engine.connect() as connection:
        values = list(connection.execute(there.order_by(stamp.desc()).limit(5)).scalars())
        values += connection.execute(there.order_by(stamp).limit(1)).scalars()
        day = next((value[:10] for value in values if isinstance(value, str)), None)
        if day is not None:
            of_day = there.where(stamp >= day).order_by(stamp).limit(1)
            values += connection.execute(of_day).scalars()
    return values


def away(engine: Engine, error: SQLAlchemyError, silence_s: float = SILENCE_S) -> SourceAway:
    """What is told while a user's database does not answer within its time; holds no password."""
    cause = " ".join(str(getattr(error, "orig", None) or error).split())[:200].rstrip(".")
    where = _place(engine)
    if _is_silence(cause):
        return SourceAway(
            f"The source, {where}, was silent for {silence_s:g} s within a statement, which then "
            "ended; make an index on the column that timestamp maps to, or look at its server's "
            "load."
        )
    return SourceAway(
        f"The source, {where}, cannot be read ({cause}); check SOURCE_URL, its user's rights and "
        "whether its server runs."
    )


def _place(engine: Engine) -> str:
    """Where the database lies; one that is only read is opened by a `file:` URI."""
    return place(engine.url).replace("file file:", "file ")


def _is_silence(cause: str) -> bool:
    """Whether a statement ran into our own limit; a server that cannot be reached is another."""
    mysql = "during query" in cause and "timed out" in cause
    return mysql or "the server said nothing for" in cause
