"""Opening the store: one way in for SQLite, MySQL/MariaDB and PostgreSQL.

SQLite runs in WAL mode with synchronous NORMAL: a killed process loses no committed row, a power
cut may lose the last commits but never damages the file. Writers begin with BEGIN IMMEDIATE,
because a transaction that reads first and writes later fails at once with "database is locked"
(SQLITE_BUSY_SNAPSHOT ignores the busy timeout).
"""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, SQLAlchemyError

from db.faults import StoreUnavailable, explain

CONNECT_TIMEOUT_S = 3
"""How long a server may take to answer a new connection."""

BUSY_TIMEOUT_S = 5.0
"""How long a SQLite statement waits for another writer."""

CACHE_KB = 512
"""Pages that each connection to SQLite keeps, in KiB: a dozen connections of an engine would hold
SQLite's own 2,000 each, of a file that the system's cache holds anyway."""

SILENCE_S = 8.0
"""How long a server may stay silent in the middle of a statement.

With the time for a new connection it stays below the heartbeat that services owe their supervisor:
a server that hangs is then told as an outage, instead of getting the service killed.
"""

DRIVERS = {
    "sqlite": "sqlite",
    "mysql": "mysql+pymysql",
    "mariadb": "mysql+pymysql",
    "postgres": "postgresql+psycopg",
    "postgresql": "postgresql+psycopg",
}
"""What users call a database -> its dialect and the driver that is installed."""

_READING = "cachescope_reading"


def open_store(url: str | URL) -> Engine:
    """Make the engine of a store; a server is reached only when the first connection is made.

    Raises:
        StoreUnavailable: no such kind of database, or its file can have no folder.
    """
    parsed = _parse(url)
    if parsed.get_backend_name() == "sqlite":
        return _open_sqlite(parsed)
    is_mysql = parsed.get_backend_name() == "mysql"
    store = create_engine(
        parsed,
        pool_pre_ping=True,
        pool_timeout=CONNECT_TIMEOUT_S,
        pool_recycle=1800,
        # Gap locks of MySQL's default level make concurrent inserts deadlock.
        isolation_level="READ COMMITTED",
        connect_args=_mysql_arguments() if is_mysql else _postgres_arguments(),
    )
    bound_silence(store)
    return store


def bound_silence(server: Engine) -> None:
    """Let no statement on a server wait longer than SILENCE_S for a sign of life."""
    if server.dialect.name == "mysql":
        event.listen(server, "connect", _be_patient)
    else:
        event.listen(server, "do_connect", _connect_postgres)


@contextlib.contextmanager
def reading(store: Engine) -> Iterator[Connection]:
    """A connection in one read-only transaction, which no writer waits for.

    On SQLite all its statements see one snapshot; on servers (READ COMMITTED) each statement sees
    what was committed when it began.
    """
    options: dict[str, Any] = {_READING: True}
    if store.dialect.name == "postgresql":
        options["postgresql_readonly"] = True
    with store.connect().execution_options(**options) as connection, connection.begin():
        if store.dialect.name == "mysql":
            connection.exec_driver_sql("START TRANSACTION READ ONLY")
        yield connection


@contextlib.contextmanager
def writing(store: Engine) -> Iterator[Connection]:
    """A connection in one write transaction: committed at the end, rolled back on an error."""
    with store.begin() as connection:
        yield connection


@contextlib.contextmanager
def patiently(connection: Connection, silence_s: float) -> Iterator[None]:
    """Let the server be silent for longer on this connection: it waits for a lock, or rebuilds."""
    raw: Any = connection.connection.dbapi_connection
    kind = connection.dialect.name
    name = {"mysql": "_read_timeout", "postgresql": "silence_s"}.get(kind)
    if name is None:
        yield
        return
    before = getattr(raw, name)
    setattr(raw, name, silence_s)
    try:
        yield
    finally:
        setattr(raw, name, before)


def ping(store: Engine) -> str:
    """Reach the store and return its kind and version, such as `PostgreSQL 15.20`.

    Raises:
        StoreUnavailable: it cannot be reached or is no database; one sentence without secrets.
    """
    try:
        with reading(store) as connection:
            return _version(connection)
    except SQLAlchemyError as error:
        raise StoreUnavailable(explain(error, store.url)) from error


def _version(connection: Connection) -> str:
    if connection.dialect.name == "sqlite":
        connection.execute(text("SELECT count(*) FROM sqlite_master")).scalar_one()
        return f"SQLite {sqlite3.sqlite_version}"
    found = connection.dialect.server_version_info or ()
    number = ".".join(str(part) for part in found)
    if connection.dialect.name == "postgresql":
        return f"PostgreSQL {number}"
    return f"{'MariaDB' if getattr(connection.dialect, 'is_mariadb', False) else 'MySQL'} {number}"


def _parse(url: str | URL) -> URL:
    try:
        parsed = make_url(url)
        driver = DRIVERS[parsed.drivername.partition("+")[0]]
    except (ArgumentError, KeyError):
        raise StoreUnavailable(
            "The store's URL names no database we know; write it as sqlite:///file, "
            "mysql://user:password@host/name or postgresql://user:password@host/name."
        ) from None
    return parsed.set(drivername=driver)


def _open_sqlite(url: URL) -> Engine:
    if url.database in (None, "", ":memory:"):
        raise StoreUnavailable(
            "The store cannot live in memory, because several processes share it; "
            "name a file, such as sqlite:///data/cachescope.sqlite3."
        )
    folder = Path(str(url.database)).parent
    try:
        if not str(url.database).startswith("file:"):  # SQLite's own form of a URL
            folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StoreUnavailable(
            f"The folder {folder} of the SQLite store cannot be made ({error.strerror}); "
            "choose another place in DATABASE_URL."
        ) from None
    store = create_engine(
        url, pool_timeout=CONNECT_TIMEOUT_S, connect_args={"timeout": BUSY_TIMEOUT_S}
    )
    event.listen(store, "connect", _prepare_sqlite)
    event.listen(store, "begin", _begin_sqlite)
    return store


def _prepare_sqlite(connection: sqlite3.Connection, _record: object) -> None:
    connection.isolation_level = None  # we say BEGIN ourselves
    cursor = connection.cursor()
    try:
        mode = cursor.execute("PRAGMA journal_mode").fetchone()[0]
        if mode != "wal":
            cursor.execute("PRAGMA auto_vacuum=INCREMENTAL")  # heeded by an empty file only
            # Another process may be switching right now; it switches for us as well.
            with contextlib.suppress(sqlite3.OperationalError):
                cursor.execute("PRAGMA journal_mode=WAL")
        cursor.execute("PRAGMA synchronous=NORMAL")
        cursor.execute("PRAGMA journal_size_limit=67108864")
        cursor.execute(f"PRAGMA cache_size=-{CACHE_KB}")
    finally:
        cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    is_reading = connection.get_execution_options().get(_READING, False)
    if connection.info.get(_READING, False) != is_reading:
        connection.exec_driver_sql(f"PRAGMA query_only={int(is_reading)}")
        connection.info[_READING] = is_reading
    connection.exec_driver_sql("BEGIN" if is_reading else "BEGIN IMMEDIATE")


def _be_patient(connection: Any, _record: object) -> None:  # noqa: ANN401 - PyMySQL has no types
    # PyMySQL has one read timeout, for the greeting of a server that hangs as for long statements.
    connection._read_timeout = SILENCE_S


def _connect_postgres(
    _dialect: object, _record: object, arguments: list[Any], named: dict[str, Any]
) -> Any:  # noqa: ANN401 - a psycopg connection
    from db.postgres import connect

    return connect(SILENCE_S, *arguments, **named)


def _mysql_arguments() -> dict[str, Any]:
    return {
        "connect_timeout": CONNECT_TIMEOUT_S,
        "read_timeout": CONNECT_TIMEOUT_S,
        "write_timeout": SILENCE_S,
        "charset": "utf8mb4",
        # Without FOUND_ROWS, so that a row count tells new rows from ignored ones.
        "client_flag": 0,
    }


def _postgres_arguments() -> dict[str, Any]:
    return {
        "connect_timeout": CONNECT_TIMEOUT_S,
        "application_name": "cachescope",
        "keepalives_idle": 10,
        "keepalives_interval": 5,
        "keepalives_count": 3,
    }


__all__ = [
    "CONNECT_TIMEOUT_S",
    "SILENCE_S",
    "StoreUnavailable",
    "bound_silence",
    "explain",
    "open_store",
    "patiently",
    "ping",
    "reading",
    "writing",
]
