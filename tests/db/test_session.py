"""Opening a store: it is told apart what went wrong, in one sentence, without secrets."""

from __future__ import annotations

import socket
import stat
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Connection, Engine, func, select, text
from sqlalchemy.engine import URL
from sqlalchemy.exc import OperationalError

from db.faults import explain, is_outage
from db.migrations import migrate
from db.session import (
    CONNECT_TIMEOUT_S,
    SILENCE_S,
    StoreUnavailable,
    open_store,
    patiently,
    ping,
    reading,
    writing,
)
from db.tables import tunables
from db.writes import set_tunable
from engine.services import SERVICES
from tests.db.proxy import Proxy

SECRET = "s3cret-Pa55"


def sentence(url: URL | str) -> str:
    """What a person reads when the store at `url` cannot be reached."""
    with pytest.raises(StoreUnavailable) as caught:
        migrate(open_store(url))
    told = str(caught.value)
    assert SECRET not in told
    assert "\n" not in told
    assert told.endswith((".", "?"))
    return told


def test_a_store_says_what_it_is(store: Engine) -> None:
    assert ping(store).partition(" ")[0] in {"SQLite", "MariaDB", "MySQL", "PostgreSQL"}


def test_the_folder_of_a_sqlite_store_is_made(tmp_path: Path) -> None:
    store = open_store(f"sqlite:///{tmp_path}/new/deep/store.sqlite3")
    migrate(store)
    assert (tmp_path / "new/deep/store.sqlite3").exists()
    store.dispose()


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    told = sentence(f"sqlite:///{tmp_path}/file/store.sqlite3")
    assert f"{tmp_path}/file" in told


@pytest.mark.parametrize("url", ["sqlite://", "sqlite:///:memory:"])
def test_a_store_in_memory_is_refused(url: str) -> None:
    assert "memory" in sentence(url)


@pytest.mark.parametrize("url", ["oracle://user:s3cret-Pa55@host/x", "nonsense s3cret-Pa55"])
def test_an_unknown_kind_of_database_is_refused(url: str) -> None:
    assert "names no database we know" in sentence(url)


def test_a_file_that_is_no_database_is_told_and_kept(tmp_path: Path) -> None:
    file = tmp_path / "notes.txt"
    file.write_text("these are my notes, not a database\n" * 100)
    before = file.read_bytes()
    assert "is not a SQLite database" in sentence(f"sqlite:///{file}")
    assert file.read_bytes() == before


def test_a_folder_instead_of_a_file_is_told(tmp_path: Path) -> None:
    assert "cannot be opened" in sentence(f"sqlite:///{tmp_path}")


def test_an_unknown_database_tells_how_to_make_it(server_store: Engine) -> None:
    assert "CREATE DATABASE no_such_db" in sentence(server_store.url.set(database="no_such_db"))


def test_a_wrong_password_is_told_without_it(server_store: Engine) -> None:
    told = sentence(server_store.url.set(username="nobody_here", password=SECRET))
    assert "'nobody_here' may not log in" in told


@pytest.mark.parametrize("driver", ["mysql+pymysql", "postgresql+psycopg"])
def test_a_server_that_is_not_there_is_told(driver: str) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
    url = URL.create(driver, "me", SECRET, "127.0.0.1", port, "x")
    told = sentence(url)
    assert f"127.0.0.1:{port}" in told
    assert "Could not reach" in told


@pytest.mark.parametrize("driver", ["mysql+pymysql", "postgresql+psycopg"])
def test_a_server_that_never_answers_is_given_up_in_seconds(driver: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = URL.create(driver, "me", SECRET, "127.0.0.1", silent.getsockname()[1], "x")
        told = sentence(url)
    assert "Could not reach" in told or "was lost" in told


def through(proxy: Proxy, store: Engine) -> Engine:
    return open_store(store.url.set(host="127.0.0.1", port=proxy.port))


@pytest.fixture
def proxy(server_store: Engine) -> Iterator[Proxy]:
    default = 5432 if server_store.dialect.name == "postgresql" else 3306
    made = Proxy((server_store.url.host or "127.0.0.1", server_store.url.port or default))
    yield made
    made.thaw()
    made.cut()


def test_a_server_that_hangs_in_a_statement_is_an_outage_within_seconds(
    server_store: Engine, proxy: Proxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("db.session.SILENCE_S", 0.7)
    store = through(proxy, server_store)
    began = time.monotonic()

    def ask() -> None:
        with reading(store) as connection:
            proxy.freeze()
            connection.execute(text("SELECT 1"))

    with pytest.raises(OperationalError) as caught:
        ask()
    assert time.monotonic() - began < 5
    assert is_outage(caught.value)
    told = explain(caught.value, store.url)
    assert "Could not reach" in told or "was lost" in told
    proxy.thaw()
    assert ping(store)
    store.dispose()


def test_a_statement_that_was_given_longer_may_be_silent(
    server_store: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("db.session.SILENCE_S", 0.3)
    store = open_store(server_store.url)
    nap = "SELECT pg_sleep(0.9)" if store.dialect.name == "postgresql" else "SELECT SLEEP(0.9)"
    with store.connect() as connection, patiently(connection, 5.0):
        connection.execute(text(nap))
    with pytest.raises(OperationalError), store.connect() as connection:
        connection.execute(text(nap))
    store.dispose()


def test_a_hanging_store_is_noticed_before_a_service_counts_as_hanging() -> None:
    slowest = SILENCE_S + CONNECT_TIMEOUT_S
    assert all(slowest < service.hang_s for service in SERVICES.values())


def test_a_sqlite_url_of_its_own_form_makes_no_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    open_store(f"sqlite:///file:{tmp_path}/store.sqlite3?mode=ro&uri=true").dispose()
    assert list(tmp_path.iterdir()) == []


def test_a_reader_cannot_write(store: Engine) -> None:
    with pytest.raises(Exception, match=r"(?i)read[- ]?only"), reading(store) as connection:
        connection.execute(tunables.delete())


def test_a_failed_write_leaves_nothing(store: Engine) -> None:
    def fail(connection: Connection) -> None:
        set_tunable(connection, "a", 1, "test")
        raise RuntimeError("midway")

    with pytest.raises(RuntimeError, match="midway"), writing(store) as connection:
        fail(connection)
    with reading(store) as connection:
        assert connection.execute(select(func.count()).select_from(tunables)).scalar_one() == 0


def test_reading_waits_for_no_writer_and_sees_only_what_is_committed(store: Engine) -> None:
    with writing(store) as writer:
        set_tunable(writer, "a", 1, "test")
        with reading(store) as reader:
            assert reader.execute(select(tunables)).all() == []
    with reading(store) as reader:
        assert len(reader.execute(select(tunables)).all()) == 1


def test_many_who_read_and_then_write_never_find_the_file_locked(sqlite_store: Engine) -> None:
    set_tunable(sqlite_store, "counter", 0, "test")
    errors: list[Exception] = []

    def count_up() -> None:
        for _ in range(50):
            try:
                with writing(sqlite_store) as connection:
                    found = connection.execute(select(tunables.c.value)).scalar_one()
                    set_tunable(connection, "counter", found + 1, "test")
            except OperationalError as error:
                errors.append(error)

    threads = [threading.Thread(target=count_up) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    with reading(sqlite_store) as connection:
        assert connection.execute(select(tunables.c.value)).scalar_one() == 200


def test_sqlite_runs_in_wal_mode_with_synchronous_normal(sqlite_store: Engine) -> None:
    with reading(sqlite_store) as connection:
        assert connection.execute(text("PRAGMA journal_mode")).scalar() == "wal"
        assert connection.execute(text("PRAGMA synchronous")).scalar() == 1


def test_a_file_that_may_not_be_written_is_told(tmp_path: Path) -> None:
    file = tmp_path / "store.sqlite3"
    store = open_store(f"sqlite:///{file}")
    migrate(store)
    store.dispose()
    file.chmod(stat.S_IREAD)
    read_only = open_store(f"sqlite:///file:{file}?mode=ro&uri=true")
    with pytest.raises(OperationalError) as caught, writing(read_only) as connection:
        connection.execute(tunables.delete())
    assert "read-only" in explain(caught.value, read_only.url)
    read_only.dispose()
