"""Bringing a store to the schema of this version: create, upgrade, or refuse.

Our version table is `cachescope_version`, since Optuna and a user's own application may keep an
`alembic_version` in the same database. Alembic itself is imported only to upgrade: a store that is
up to date costs two small queries.
"""

from __future__ import annotations

import contextlib
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Column, Connection, Engine, MetaData, String, Table, inspect, select, text
from sqlalchemy.exc import SQLAlchemyError

from db import tables
from db.faults import StoreUnavailable, explain, place
from db.session import patiently, reading, writing

if TYPE_CHECKING:
    from alembic.config import Config

HEAD = "0006"
"""The revision of this version's tables."""

VERSION_TABLE = "cachescope_version"
LOCK_TIMEOUT_S = 20
"""How long one process waits for another one that is migrating the same store."""

REBUILD_S = 3600.0
"""How long one statement of a migration may take."""

_CREATING = "creating"
_version = Table(VERSION_TABLE, MetaData(), Column("version_num", String(32), primary_key=True))


class NewerSchema(StoreUnavailable):
    """Raised when the store was made by a later version of Cachescope."""


class ForeignTables(StoreUnavailable):
    """Raised when the database holds tables of our names that we did not make."""


def migrate(store: Engine) -> str:
    """Create, upgrade or accept the store's schema; safe in several processes at once.

    Returns:
        The revision it stands at now.

    Raises:
        NewerSchema: a later version made it; nothing was changed.
        ForeignTables: tables of our names exist that are not ours; nothing was changed.
        StoreUnavailable: the database cannot be reached, or refused.
    """
    try:
        with reading(store) as connection:
            if revision(connection) == HEAD:
                return HEAD
        with _locked(store) as connection, patiently(connection, REBUILD_S):
            _bring_up(connection, store)
    except SQLAlchemyError as error:
        raise StoreUnavailable(explain(error, store.url)) from error
    return HEAD


def revision(connection: Connection) -> str | None:
    """The revision a store stands at; None if it has never been ours."""
    if not inspect(connection).has_table(VERSION_TABLE):
        return None
    return connection.execute(select(_version.c.version_num)).scalar_one_or_none()


def config() -> Config:
    """Alembic's configuration for our script folder, without any file."""
    from alembic.config import Config

    made = Config()
    folder = str(Path(__file__).parent).replace("%", "%%")
    made.set_main_option("script_location", folder)
    made.set_main_option("path_separator", "os")
    made.set_main_option("file_template", "v%%(rev)s_%%(slug)s")
    return made


def upgrade(connection: Connection, target: str = "head") -> None:
    """Run Alembic's revisions up to `target` on an open connection; the caller commits."""
    from alembic import command

    made = config()
    made.attributes["connection"] = connection
    command.upgrade(made, target)


def _bring_up(connection: Connection, store: Engine) -> None:
    current = revision(connection)
    if current == HEAD:
        return  # another process was faster
    if current is None:
        _refuse_foreign(connection, store)
        _version.create(connection)
        connection.execute(_version.insert().values(version_num=_CREATING))
        current = _CREATING
    if current == _CREATING:
        # MySQL commits every table by itself: a process killed in the middle left this mark.
        tables.metadata.create_all(connection)
        connection.execute(_version.update().values(version_num=HEAD))
        return
    _refuse_newer(current, store)
    upgrade(connection)


def _refuse_newer(current: str, store: Engine) -> None:
    from alembic.script import ScriptDirectory
    from alembic.util import CommandError

    try:
        ScriptDirectory.from_config(config()).get_revision(current)
    except CommandError:
        raise NewerSchema(
            f"A newer Cachescope made the tables in {place(store.url)} (revision {current}; this "
            f"version knows up to {HEAD}); run that version, or choose another database."
        ) from None


def _refuse_foreign(connection: Connection, store: Engine) -> None:
    present = set(inspect(connection).get_table_names()) & set(tables.metadata.tables)
    if present:
        raise ForeignTables(
            f"There are tables that Cachescope did not make in {place(store.url)}, with names it "
            f"needs ({', '.join(sorted(present))}); give it a database of its own, and name this "
            "one in SOURCE_URL if it holds your requests."
        )


@contextlib.contextmanager
def _locked(store: Engine) -> Iterator[Connection]:
    if store.dialect.name == "mysql":
        with _mysql_locked(store) as connection:
            yield connection
        return
    with writing(store) as connection:  # on SQLite this is already the lock
        if store.dialect.name == "postgresql":
            connection.execute(text(f"SET LOCAL lock_timeout = '{LOCK_TIMEOUT_S}s'"))
            key = {"key": zlib.crc32(b"cachescope")}
            with patiently(connection, LOCK_TIMEOUT_S + 5):
                connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), key)
        yield connection


@contextlib.contextmanager
def _mysql_locked(store: Engine) -> Iterator[Connection]:
    name = f"cachescope-{zlib.crc32(str(store.url.database).encode())}"
    wait = {"name": name, "seconds": LOCK_TIMEOUT_S}
    with store.connect() as connection:
        with patiently(connection, LOCK_TIMEOUT_S + 5):
            locked = connection.execute(text("SELECT GET_LOCK(:name, :seconds)"), wait).scalar()
        if locked != 1:
            raise StoreUnavailable(
                f"Another process has been migrating {place(store.url)} for {LOCK_TIMEOUT_S} s; "
                "wait for it, or end it."
            )
        try:
            yield connection
            connection.commit()
        finally:
            connection.execute(text("SELECT RELEASE_LOCK(:name)"), {"name": name})
