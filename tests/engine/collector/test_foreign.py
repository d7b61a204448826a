"""Tables that another program writes, with names and times of its own."""

from __future__ import annotations

import sqlite3
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import Engine, create_engine, event, text
from sqlalchemy.engine import URL
from sqlalchemy.exc import DBAPIError

from engine.collector.columns import discover
from engine.collector.names import endpoint_of
from engine.collector.opening import open_source
from engine.collector.reader import RowReader
from engine.errors import SourceAway, SourceError
from engine.sources import Source, parse_mapping
from tests.conftest import fresh_database
from tests.db.proxy import Proxy

AT = 1_700_000_000


def source(url: str | URL, mapping: str, table: str = "access_log") -> Source:
    shown = url if isinstance(url, str) else url.render_as_string(hide_password=False)
    return Source(7, "own", "table", "measured", parse_mapping(mapping), shown, table)


def foreign(folder: Path, statements: list[str]) -> str:
    path = folder / "theirs.sqlite3"
    with sqlite3.connect(path) as connection:
        for statement in statements:
            connection.execute(statement)
    return f"sqlite:///{path}"


MAPPING = "timestamp=ts,cache_key=url,load_time_ms=took,hit=cached"


@pytest.mark.parametrize(
    ("kind", "stamp"),
    [
        ("REAL", str(AT + 0.25)),
        ("INTEGER", str(AT * 1000 + 250)),
        ("DATETIME", f"'{datetime.fromtimestamp(AT + 0.25, UTC):%Y-%m-%d %H:%M:%S.%f}'"),
        ("TEXT", f"'{datetime.fromtimestamp(AT + 0.25, UTC):%Y-%m-%d %H:%M:%S.%f}'"),
    ],
)
def test_times_in_any_common_form_are_read(
    tmp_path: Path, sqlite_store: Engine, kind: str, stamp: str
) -> None:
    url = foreign(
        tmp_path,
        [
            f"CREATE TABLE access_log (ts {kind}, url TEXT, took REAL, cached TEXT)",
            "CREATE INDEX by_time ON access_log (ts)",
            f"INSERT INTO access_log VALUES ({stamp}, '/users/42?q=1', 12.5, 'HIT')",
        ],
    )
    reader = RowReader(source(url, MAPPING), sqlite_store)
    found = reader.rows(AT - 1, AT + 1, 10)
    assert [(row.timestamp, row.cache_name, row.hit, row.load_time_ms) for row in found] == [
        (AT + 0.25, "/users/{id}", True, 12.5)
    ]
    assert reader.first() == AT + 0.25
    assert reader.count(AT, AT + 1) == 1
    assert reader.rows(AT + 1, AT + 5, 10) == []
    assert not reader.layout.notes


def test_a_datetime_column_of_each_server_is_read(store_url: URL, sqlite_store: Engine) -> None:
    owner = create_engine(store_url)
    kind = "TIMESTAMPTZ" if store_url.get_backend_name() == "postgresql" else "DATETIME"
    moment = f"{datetime.fromtimestamp(AT, UTC):%Y-%m-%d %H:%M:%S}"
    with owner.begin() as connection:
        if owner.dialect.name == "postgresql":
            connection.execute(text("SET timezone = 'UTC'"))
        connection.execute(
            text(f"CREATE TABLE access_log (ts {kind}, url VARCHAR(99), took FLOAT)")
        )
        connection.execute(text(f"INSERT INTO access_log VALUES ('{moment}', 'user:9:name', 3)"))
    reader = RowReader(
        source(store_url, "timestamp=ts,cache_key=url,load_time_ms=took"), sqlite_store
    )
    (row,) = reader.rows(AT - 5, AT + 5, 10)
    assert (row.timestamp, row.cache_name, row.hit) == (AT, "user:{id}:name", False)
    index, misses = sorted(reader.layout.notes, key=len, reverse=True)
    assert "CREATE INDEX" in index
    assert "every row counts as a miss" in misses
    owner.dispose()


def test_a_source_can_not_be_written_through_its_engine(store_url: URL) -> None:
    owner = create_engine(store_url)
    with owner.begin() as connection:
        connection.execute(text("CREATE TABLE theirs (x INTEGER)"))
    engine = open_source(store_url.render_as_string(hide_password=False))
    with engine.connect() as connection:
        assert connection.execute(text("SELECT count(*) FROM theirs")).scalar() == 0
    with pytest.raises(DBAPIError), engine.begin() as connection:
        connection.execute(text("INSERT INTO theirs VALUES (1)"))
    engine.dispose()
    owner.dispose()


@pytest.mark.parametrize("kind", ["mariadb", "postgres"])
def test_a_source_whose_server_hangs_is_one_sentence_and_each_answer_a_beat(
    kind: str, tmp_path: Path, sqlite_store: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("db.session.SILENCE_S", 0.7)
    beats: list[None] = []
    with fresh_database(kind, tmp_path) as url:
        owner = create_engine(url)
        with owner.begin() as connection:
            connection.execute(
                text("CREATE TABLE access_log (ts FLOAT, url VARCHAR(99), took FLOAT)")
            )
            connection.execute(text(f"INSERT INTO access_log VALUES ({AT}, '/a', 3)"))
        owner.dispose()
        host, port = url.host or "127.0.0.1", url.port or (3306 if kind == "mariadb" else 5432)
        proxy = Proxy((host, port))
        seen = url.set(host="127.0.0.1", port=proxy.port)
        mapping = "timestamp=ts,cache_key=url,load_time_ms=took"
        reader = RowReader(source(seen, mapping), sqlite_store, lambda: beats.append(None))
        before = len(beats)
        assert before >= 3
        assert reader.first() is not None
        assert len(beats) > before

        def hang(*_: object) -> None:
            proxy.freeze()

        event.listen(reader._engine, "before_cursor_execute", hang)
        began = time.monotonic()
        with pytest.raises(SourceAway, match=r"was silent for .* s within a statement"):
            reader.first()
        assert time.monotonic() - began < 5
        proxy.thaw()
        reader.close()
        proxy.cut()


@pytest.mark.parametrize(
    ("mapping", "table", "words"),
    [
        ("timestamp=ts", "nothing", "SOURCE_TABLE"),
        ("timestamp=when", "access_log", "no such column"),
        ("timestamp=ts,cache_key=url", "access_log", "load_time_ms"),
    ],
)
def test_each_misfit_is_one_sentence(tmp_path: Path, mapping: str, table: str, words: str) -> None:
    url = foreign(tmp_path, ["CREATE TABLE access_log (ts REAL, url TEXT, took REAL)"])
    with pytest.raises(SourceError, match=words) as caught:
        discover(open_source(url), table, parse_mapping(mapping))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("bad", ["timestamp", "time=ts", "hit=a,hit=b", "=x"])
def test_a_mapping_that_cannot_be_read_is_refused(bad: str) -> None:
    with pytest.raises(SourceError, match="SOURCE_MAPPING"):
        parse_mapping(bad)


@pytest.mark.parametrize(
    ("key", "name"),
    [
        ("https://api.example/v1/users/42/orders?page=3", "/v1/users/{id}/orders"),
        ("GET /prices/2024-05-01/DK1", "/prices/{date}/DK1"),
        ("user:42:profile", "user:{id}:profile"),
        ("/a/0b0e8f4e-3a3b-4a7e-9a57-1f1d0ba3b7aa", "/a/{id}"),
        ("/", "/"),
        ("", "/"),
    ],
)
def test_an_endpoint_has_no_ids_and_no_dates(key: str, name: str) -> None:
    assert endpoint_of(key) == name
