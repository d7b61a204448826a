"""A user's table through the whole follower: each way to write times, and rows that are bad."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from sqlalchemy import Engine, func, select

from db import writes
from db.session import reading
from db.tables import miss_costs, rollups
from engine.collector.follower import Follower
from engine.collector.reader import RowReader
from engine.collector.replays import Shadows
from engine.errors import SourceAway, SourceError
from engine.keys import KEY_LENGTH, stored_key
from engine.sources import Source

AT = 1_700_000_000
CEST = timezone(timedelta(hours=2))

Table = tuple[Source, sqlite3.Connection]


@pytest.fixture
def table(tmp_path: Path, sqlite_store: Engine) -> Iterator[Callable[[str], Table]]:
    """A user's empty table, its times of a given column type."""
    path = tmp_path / "theirs.sqlite3"
    connection = sqlite3.connect(path, isolation_level=None)

    def make(kind: str) -> Table:
        connection.execute(
            f"CREATE TABLE log (timestamp {kind}, cache_key, load_time_ms, hit, size_bytes)"
        )
        number = writes.ensure_source(sqlite_store, "own", "table", "measured")
        return Source(
            number, "own", "table", "measured", {}, f"sqlite:///{path}", "log"
        ), connection

    yield make
    connection.close()


def add(
    connection: sqlite3.Connection,
    stamp: object,
    key: object = "/a",
    hit: bool = False,
    took: object = 10.0,
    size: object = 100,
) -> None:
    row = (stamp, key, took, hit, size)
    connection.execute("INSERT INTO log VALUES (?, ?, ?, ?, ?)", row)


def rolled(store: Engine, policy: str = "recorded") -> tuple[int, int]:
    query = select(func.sum(rollups.c.requests), func.sum(rollups.c.hits)).where(
        rollups.c.policy == policy, rollups.c.width == 1, rollups.c.cache_name == "*"
    )
    with reading(store) as connection:
        requests, hits = connection.execute(query).one()
    return int(requests or 0), int(hits or 0)


def moment(at: float) -> datetime:
    return datetime.fromtimestamp(at, UTC)


FORMS: dict[str, tuple[str, Callable[[float], object]]] = {
    "blank": ("TEXT", lambda at: f"{moment(at):%Y-%m-%d %H:%M:%S.%f}"),
    "current_timestamp": ("TEXT", lambda at: f"{moment(at):%Y-%m-%d %H:%M:%S}"),
    "zulu": ("TEXT", lambda at: f"{moment(at):%Y-%m-%dT%H:%M:%S}.{int(at % 1 * 1000):03d}Z"),
    "isoformat": ("TEXT", lambda at: moment(at).isoformat()),
    "other zone": ("TEXT", lambda at: moment(at).astimezone(CEST).isoformat()),
    "compact": ("TEXT", lambda at: f"{moment(at):%Y%m%dT%H%M%SZ}"),
    "datetime of whole seconds": ("DATETIME", lambda at: f"{moment(at):%Y-%m-%d %H:%M:%S}"),
    "datetime with a T": ("DATETIME", lambda at: moment(at).isoformat()),
    "epoch ms in a datetime": ("DATETIME", lambda at: int(at * 1000)),
    "epoch us": ("INTEGER", lambda at: int(at * 1e6)),
}


@pytest.mark.parametrize("form", FORMS)
def test_every_row_of_any_way_to_write_times_reaches_rollups_shadows_and_costs(
    form: str, table: Callable[[str], Table], sqlite_store: Engine
) -> None:
    kind, write = FORMS[form]
    source, connection = table(kind)
    shadows = Shadows(100_000, source.id, sqlite_store)
    following = Follower(source, sqlite_store, RowReader(source, sqlite_store), shadows)
    following.turn(AT - 1.0)  # the table is empty as yet: only rows tell how times are written
    for number in range(60):
        add(connection, write(AT + number / 2), f"/a/{number % 7}", hit=number % 3 == 0)
        if number % 4 == 3:
            following.turn(AT + number / 2 + 0.3)
            assert following.reconcile() == 0
    for later in range(8):
        following.turn(AT + 31.0 + later)
    assert rolled(sqlite_store) == (60, 20)
    assert rolled(sqlite_store, "lru")[0] == 60
    with reading(sqlite_store) as reader:
        assert reader.execute(select(func.count()).select_from(miss_costs)).scalar() == 7
    assert following.reconcile() == 0


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("2024-05-01T10:00:00Z", "2024-05-01 11:00:00"),
        ("2024-05-01T10:00:00+02:00", "2024-05-01T11:00:00+01:00"),
        ("2024-05-01 10:00:00", 1_714_557_600),
        ("2024-05-01", "2024-05-02"),
        ("yesterday", "today"),
    ],
)
def test_times_that_do_not_sort_together_are_refused_in_one_sentence(
    one: object, other: object, table: Callable[[str], Table], sqlite_store: Engine
) -> None:
    source, connection = table("")
    add(connection, one)
    add(connection, other)
    with pytest.raises(SourceError, match="The column timestamp") as caught:
        RowReader(source, sqlite_store).first()
    assert "\n" not in str(caught.value)


def test_rows_with_senseless_values_are_left_out_and_counted(
    table: Callable[[str], Table], sqlite_store: Engine
) -> None:
    source, connection = table("")
    for size in ("12kB", float("inf")):
        add(connection, AT + 1.0, size=size)
    for took in ("slow", None):
        add(connection, AT + 1.0, took=took)
    add(connection, AT + 2.0, None)
    add(connection, AT + 3.0)
    reader = RowReader(source, sqlite_store)
    assert [row.timestamp for row in reader.rows(AT, AT + 10, 100)] == [AT + 3.0]
    assert reader.skipped == reader.last_skipped == 5


def test_keys_that_no_server_can_hold_do_not_stop_the_collector(
    store: Engine, table: Callable[[str], Table]
) -> None:
    source, connection = table("REAL")
    writes.ensure_source(store, "own", "table", "measured")
    add(connection, AT, "/a\x00b?\x00")
    connection.execute("INSERT INTO log VALUES (?, CAST(x'2f61eda080' AS TEXT), 1, 0, 1)", (AT,))
    following = Follower(source, store, RowReader(source, store))
    following.turn(AT + 10.0)
    assert rolled(store)[0] == 2
    assert stored_key("a\x00\ud800b") == "a\ufffd\ufffdb"


def test_long_keys_that_differ_at_their_end_stay_apart(
    table: Callable[[str], Table], sqlite_store: Engine
) -> None:
    source, connection = table("REAL")
    long = "/search?q=" + "x" * 300
    add(connection, AT, f"{long}&page=1", took=500.0)
    add(connection, AT + 1, f"{long}&page=2", hit=True, took=1.0)
    rows = RowReader(source, sqlite_store).rows(AT, AT + 9, 9)
    assert [len(row.cache_key) for row in rows] == [KEY_LENGTH, KEY_LENGTH]
    assert rows[0].cache_key != rows[1].cache_key
    assert stored_key("short") == "short"


def test_a_source_that_goes_away_is_told_as_the_source(
    tmp_path: Path, table: Callable[[str], Table], sqlite_store: Engine
) -> None:
    source, connection = table("REAL")
    add(connection, AT)
    reader = RowReader(source, sqlite_store)
    connection.execute("DROP TABLE log")
    with pytest.raises(SourceAway, match=r"theirs\.sqlite3.*SOURCE_URL"):
        reader.first()
    secret = Source(1, "own", "table", "measured", {}, "postgresql://me:pw7@127.0.0.1:9/x", "log")
    with pytest.raises(SourceAway, match=r"127\.0\.0\.1:9") as caught:
        RowReader(secret, sqlite_store)
    assert "pw7" not in str(caught.value)
    assert "\n" not in str(caught.value)
