"""Fixtures that every part shares: databases of their own, on each real server.

The servers are found at TEST_MARIADB_URL and TEST_POSTGRES_URL, by default on loopback as a
superuser without a password. An absent server skips its tests, but fails them where CI is set.
"""

from __future__ import annotations

import contextlib
import os
import secrets
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine, create_engine, text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import OperationalError
from sqlalchemy.pool import NullPool

from db.migrations import migrate
from db.session import open_store

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
def store(store_url: URL) -> Iterator[Engine]:
    """A migrated store, on each of the three kinds in turn."""
    opened = open_store(store_url)
    migrate(opened)
    yield opened
    opened.dispose()


@pytest.fixture(params=["mariadb", "postgres"])
def server_store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    """A migrated store on each server in turn, for what SQLite cannot do."""
    with fresh_database(request.param, tmp_path) as url:
        opened = open_store(url)
        migrate(opened)
        yield opened
        opened.dispose()


@pytest.fixture
def sqlite_store(tmp_path: Path) -> Iterator[Engine]:
    """A migrated store for tests that need just any: SQLite in a folder of its own."""
    opened = open_store(URL.create("sqlite", database=str(tmp_path / "store.sqlite3")))
    migrate(opened)
    yield opened
    opened.dispose()
