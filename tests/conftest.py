"""Fixtures that every part shares: databases of their own, on each real server.

The servers are found at TEST_MARIADB_URL and TEST_POSTGRES_URL, by default on loopback as a
superuser without a password. An absent server skips its tests, but fails them where CI is set.
"""

from __future__ import annotations

import contextlib
import os
import secrets
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine, create_engine, text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import OperationalError
from sqlalchemy.pool import NullPool

from db.migrations import migrate
from db.session import open_store, writing
from db.tables import metadata

SERVERS = {
    "mariadb": ("TEST_MARIADB_URL", "mysql+pymysql://root@127.0.0.1:3306/mysql"),
    "postgres": ("TEST_POSTGRES_URL", "postgresql+psycopg://postgres@127.0.0.1:5432/postgres"),
}
_CREATE = {
    "mariadb": "CREATE DATABASE {} CHARACTER SET utf8mb4",
    "postgres": "CREATE DATABASE {} TEMPLATE template0",
}
_DROP = {
    "mariadb": "DROP DATABASE IF EXISTS {}",
    "postgres": "DROP DATABASE IF EXISTS {} WITH (FORCE)",
}
_RESTART = {
    "sqlite": "SELECT '{}'",  # SQLite starts again by itself
    "mysql": "ALTER TABLE {} AUTO_INCREMENT = 1",
    "postgresql": "ALTER SEQUENCE {}_id_seq RESTART",
}


@contextlib.contextmanager
def fresh_database(kind: str, folder: Path) -> Iterator[URL]:
    """An empty database of one's own on `sqlite`, `mariadb` or `postgres`, dropped at the end."""
    if kind == "sqlite":
        yield URL.create("sqlite", database=str(folder / f"{secrets.token_hex(4)}.sqlite3"))
        return
    variable, default = SERVERS[kind]
    server = make_url(os.environ.get(variable, default))
    name = f"cachescope_test_{secrets.token_hex(6)}"
    admin = create_engine(
        server,
        isolation_level="AUTOCOMMIT",
        poolclass=NullPool,
        connect_args={"connect_timeout": 3},
    )
    try:
        with admin.connect() as connection:
            connection.execute(text(_CREATE[kind].format(name)))
    except OperationalError as error:
        reason = f"no {kind} server at {server.host}:{server.port} (set {variable}): {error.orig}"
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)
    try:
        yield server.set(database=name)
    finally:
        with admin.connect() as connection:
            connection.execute(text(_DROP[kind].format(name)))


@pytest.fixture(params=["sqlite", "mariadb", "postgres"])
def store_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[URL]:
    """The URL of an empty database, on each of the three kinds in turn."""
    with fresh_database(request.param, tmp_path) as url:
        yield url


@pytest.fixture
def fresh_store(store_url: URL) -> Iterator[Engine]:
    """A migrated store of one's own on each kind in turn, for tests that change its tables."""
    opened = open_store(store_url)
    migrate(opened)
    yield opened
    opened.dispose()


@pytest.fixture(scope="session")
def shared_databases(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], URL]]:
    """One migrated database per kind of server for the whole session: making one takes long."""
    urls: dict[str, URL] = {}
    with contextlib.ExitStack() as ends:

        def database(kind: str) -> URL:
            if kind not in urls:
                url = ends.enter_context(fresh_database(kind, tmp_path_factory.mktemp(kind)))
                opened = open_store(url)
                migrate(opened)
                opened.dispose()
                urls[kind] = url
            return urls[kind]

        yield database


@contextlib.contextmanager
def shared_store(url: URL) -> Iterator[Engine]:
    """The session's store of one kind, emptied."""
    opened = open_store(url)
    with writing(opened) as connection:
        for table in metadata.sorted_tables:
            emptied = connection.execute(table.delete()).rowcount
            if emptied and table.autoincrement_column is not None:
                connection.execute(text(_RESTART[opened.dialect.name].format(table.name)))
    yield opened
    opened.dispose()


@pytest.fixture(params=["sqlite", "mariadb", "postgres"])
def store(
    request: pytest.FixtureRequest, shared_databases: Callable[[str], URL]
) -> Iterator[Engine]:
    """An empty migrated store, on each of the three kinds in turn."""
    with shared_store(shared_databases(request.param)) as opened:
        yield opened


@pytest.fixture(params=["mariadb", "postgres"])
def server_store(
    request: pytest.FixtureRequest, shared_databases: Callable[[str], URL]
) -> Iterator[Engine]:
    """An empty migrated store on each server in turn, for what SQLite cannot do."""
    with shared_store(shared_databases(request.param)) as opened:
        yield opened


@pytest.fixture
def sqlite_store(tmp_path: Path) -> Iterator[Engine]:
    """A migrated store for tests that need just any: SQLite in a folder of its own."""
    opened = open_store(URL.create("sqlite", database=str(tmp_path / "store.sqlite3")))
    migrate(opened)
    yield opened
    opened.dispose()
