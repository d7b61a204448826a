from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import (
    Boolean,
    Column,
    DateTime,
    Double,
    Engine,
    Integer,
    MetaData,
    Numeric,
    String,
    Table,
    create_engine,
    insert,
    select,
    text,
)
from sqlalchemy.dialects.mysql import DATETIME
from sqlalchemy.engine import URL

from db import writes
from db.migrations import migrate
from db.session import open_store, writing
from db.tables import cache_metrics
from engine.actions.traces import Wanted, import_trace, look_at
from engine.errors import SourceAway, SourceError, TraceError
from engine.settings import Settings, load_settings
from engine.traces import database
from engine.traces.importing import open_trace
from engine.traces.trace import Trace
from tests.conftest import fresh_database

START = 1_700_000_000.0


def settings_for(url: URL, folder: Path, **overrides: str) -> Settings:
    shown = url.render_as_string(hide_password=False)
    return load_settings(DATABASE_URL=shown, CACHESCOPE_DATA_DIR=str(folder / "data"), **overrides)


def metric(number: int, source: int, **values: Any) -> dict[str, Any]:  # noqa: ANN401
    return {
        "timestamp": START + number // 3,  # three of each second
        "source": source,
        "writer": f"w{source}",
        "sequence": number,
        "cache_name": "/a",
        "cache_key": f"/a/{number % 7}",
        "hit": number % 2 == 1,
        "hit_ratio": 0.5,
        "load_time_ms": 3.0 if number % 2 else 20.0 + number % 7,
        "size_bytes": number % 5,
        "traffic_intensity": float(number),
        **values,
    }


def imported(settings: Settings, **wanted: Any) -> Trace:  # noqa: ANN401
    found = import_trace(Wanted(**wanted), "test", settings)
    assert found is not None
    return open_trace(found["info"]["name"], settings)


def test_the_rows_of_a_source_become_a_trace(
    store: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "PAGE", 10)
    own = writes.ensure_source(store, "own", "table", "measured")
    other = writes.ensure_source(store, "sample", "sample", "modelled")
    writes.insert(store, cache_metrics, [metric(number, own) for number in range(100)])
    writes.insert(store, cache_metrics, [metric(number, other) for number in range(20)])
    settings = settings_for(store.url, tmp_path)
    trace = imported(settings, source="own")
    assert len(trace.requests) == 100
    assert trace.requests.columns["traffic_intensity"].tolist() == [float(n) for n in range(100)]
    recorded = {column.name for column in trace.info.columns if column.recorded}
    assert recorded == {"hit", "load_time_ms", "hit_ratio"}
    assert set(trace.requests.columns) - recorded == {"traffic_intensity"}
    assert trace.info.groups == ("/a",)
    modelled = imported(settings, source="sample").info
    assert (modelled.costs, modelled.requests) == ("modelled", 20)
    assert "by the source that recorded" in modelled.cost_model


def their_table(url: URL) -> Table:
    """A foreign table with times, categories, booleans and decimals of its database's own kinds."""
    engine = create_engine(url)
    exact = DateTime().with_variant(DATETIME(fsp=6), "mysql", "mariadb")
    table = Table(
        "visits",
        MetaData(),
        Column("rid", Integer, primary_key=True),
        Column("ts", exact, index=True),
        Column("url", String(200)),
        Column("took", Numeric(10, 3)),
        Column("bytes", Integer),
        Column("cached", String(10)),
        Column("region", String(10)),
        Column("premium", Boolean),
        Column("score", Double),
    )
    table.metadata.create_all(engine)
    rows = [
        {
            "rid": number + 1,
            "ts": datetime.fromtimestamp(START + number / 4, UTC).replace(tzinfo=None),
            "url": f"/p/{number % 5}?key=s3cret{number % 2}" if number != 7 else None,
            "took": 12.5,
            "bytes": 100,
            "cached": "miss" if number < 5 else "HIT",
            "region": ("dk", "se", None)[number % 3],
            "premium": number % 2 == 0,
            "score": None if number < 20 else 0.25,
        }
        for number in range(50)
    ]
    with engine.begin() as connection:
        connection.execute(insert(table), rows)
    engine.dispose()
    return table


def test_any_table_is_read_by_its_mapping_and_never_written(
    store_url: URL, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "PAGE", 8)
    their_table(store_url)
    shown = store_url.render_as_string(hide_password=False)
    own = URL.create("sqlite", database=str(tmp_path / "own.sqlite3"))
    settings = settings_for(own, tmp_path, SOURCE_URL=shown)
    mapping = "load_time_ms=took,hit=cached,cache_name=region"
    trace = imported(settings, table="visits", mapping=mapping)
    requests = trace.requests
    assert len(requests) == 49
    assert trace.info.malformed == 1
    assert requests.time[:3].tolist() == [START, START + 0.25, START + 0.5]
    assert requests.cost.tolist() == [12.5] * 49
    assert trace.info.groups[:2] == ("dk", "se")
    assert not [key for key in trace.key_texts.to_pylist() if "s3cret" in key]
    assert trace.info.distinct == 10
    told = {column.name: column for column in trace.info.columns}
    assert told["premium"].kind == "boolean"
    assert told["score"].nulls == pytest.approx(19 / 49)
    assert "rid" in told
    looked = look_at(Wanted(table="visits", mapping=mapping), settings=settings)
    assert looked["roles"]["timestamp"] == "ts"
    engine = create_engine(store_url)
    with engine.connect() as connection:
        assert connection.execute(text("SELECT count(*) FROM visits")).scalar() == 50
    engine.dispose()


def test_the_mapping_of_the_settings_holds_for_every_table_that_has_its_columns(
    store_url: URL, tmp_path: Path
) -> None:
    their_table(store_url)
    shown = store_url.render_as_string(hide_password=False)
    own = URL.create("sqlite", database=str(tmp_path / "own.sqlite3"))
    usual = "load_time_ms=took,hit=cached,cache_name=region,id=rid,size_bytes=no_such_column"
    settings = settings_for(own, tmp_path, SOURCE_URL=shown, SOURCE_MAPPING=usual)
    roles = look_at(Wanted(table="visits"), settings=settings)["roles"]
    assert (roles["load_time_ms"], roles["cache_name"]) == ("took", "region")
    assert roles["size_bytes"] == "bytes", "guessed, since there is no such column"
    named = look_at(Wanted(table="visits", mapping="load_time_ms=score"), settings=settings)
    assert named["roles"]["load_time_ms"] == "score"
    assert named["roles"]["cache_name"] == "region"


def test_a_table_without_a_key_keeps_rows_of_one_time_together(
    store_url: URL, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "PAGE", 4)
    engine = create_engine(store_url)
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE t (time DOUBLE PRECISION, url VARCHAR(20))"))
        rows = [{"at": float(number // 6), "url": f"k{number}"} for number in range(40)]
        connection.execute(text("INSERT INTO t VALUES (:at, :url)"), rows)
        connection.execute(text("INSERT INTO t VALUES (NULL, 'x')"))
    engine.dispose()
    shown = store_url.render_as_string(hide_password=False)
    own = URL.create("sqlite", database=str(tmp_path / "own.sqlite3"))
    trace = imported(settings_for(own, tmp_path, SOURCE_URL=shown), table="t")
    assert sorted(trace.key_texts.to_pylist()) == sorted(f"k{number}" for number in range(40))
    assert trace.info.malformed == 1


def test_sqlite_may_hold_any_kind_of_value_in_a_column(tmp_path: Path) -> None:
    url = URL.create("sqlite", database=str(tmp_path / "their.sqlite3"))
    engine = create_engine(url)
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE t (time, url, ms, note)"))
        values = [
            "(1, 'a', 5, 1)", "(2, 'b', '7.5', 'x')", "(3, x'6162', 'soon', x'00ff')",
            "('later', 'c', 1, NULL)", "(4, 17, 2.5, 2.5)",
        ]  # fmt: skip
        for value in values:
            connection.execute(text(f"INSERT INTO t VALUES {value}"))
    engine.dispose()
    settings = settings_for(
        URL.create("sqlite", database=str(tmp_path / "own.sqlite3")),
        tmp_path, SOURCE_URL=str(url),
    )  # fmt: skip
    trace = imported(settings, table="t", mapping="load_time_ms=ms")
    assert trace.requests.cost.tolist() == [5.0, 7.5, 2.5]
    assert trace.key_texts.to_pylist() == ["a", "b", "17"]
    assert trace.info.malformed == 2


@pytest.mark.parametrize(
    ("wanted", "error", "told"),
    [
        (Wanted(source="nobody"), TraceError, "no source 'nobody'"),
        (Wanted(source="own"), TraceError, "holds no request"),
        (Wanted(source="seeded"), TraceError, r"are: own\); make it with `python mock/mock_db.py`"),
        (
            Wanted(table="nothing"),
            SourceError,
            r"^table is 'nothing', and .*; give one of: .*visits",
        ),
        (Wanted(table="a.csv"), SourceError, r"^table is 'a.csv', and .* has no such table"),
        (Wanted(table="jobs"), TraceError, "no column that can be the"),
        (Wanted(table="visits", mapping="load_time_ms=speed"), TraceError, "no column 'speed'"),
        (Wanted(table="visits", mapping="speed=took"), SourceError, "none of ours"),
        (Wanted(table="a", source="b"), TraceError, "name one of"),
    ],
)
def test_what_cannot_be_imported_from_a_database_is_told(
    wanted: Wanted, error: type[Exception], told: str, sqlite_store: Engine, tmp_path: Path
) -> None:
    their_table(sqlite_store.url)
    writes.ensure_source(sqlite_store, "own", "table", "measured")
    with pytest.raises(error, match=told):
        import_trace(wanted, "test", settings_for(sqlite_store.url, tmp_path))


def test_ones_own_rows_need_no_engine_and_a_fresh_store_says_how_to_get_some(
    sqlite_store: Engine, tmp_path: Path
) -> None:
    def asked(**settings: str) -> Trace:
        return imported(settings_for(sqlite_store.url, tmp_path, **settings), source="own")

    with pytest.raises(
        TraceError, match=r"no source 'own' \(there are: none yet\); set SOURCE_URL"
    ):
        asked()
    theirs = URL.create("sqlite", database=str(tmp_path / "theirs.sqlite3"))
    their_table(theirs)
    where = {
        "SOURCE_URL": str(theirs),
        "SOURCE_MAPPING": "timestamp=ts,cache_key=url,load_time_ms=took",
    }
    with pytest.raises(
        SourceError, match=r"^SOURCE_TABLE is 'hits', and .*; give one of: visits\."
    ):
        asked(**where, SOURCE_TABLE="hits")
    assert asked(**where, SOURCE_TABLE="visits").info.name == "own"


def test_a_database_that_does_not_answer_is_told_without_its_password(tmp_path: Path) -> None:
    own = URL.create("sqlite", database=str(tmp_path / "own.sqlite3"))
    url = "postgresql://u:geheim@127.0.0.1:1/none"
    with pytest.raises(SourceAway, match="cannot be read") as refused:
        import_trace(Wanted(table="t"), "test", settings_for(own, tmp_path, SOURCE_URL=url))
    assert "geheim" not in str(refused.value)


@pytest.mark.parametrize(
    ("kind", "slow"), [("mariadb", "SLEEP(2.5)"), ("postgres", "1 FROM pg_sleep(2.5)")]
)
def test_a_page_may_take_longer_than_services_wait(
    kind: str, slow: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with fresh_database(kind, tmp_path) as url:
        store = open_store(url)
        migrate(store)
        with writing(store) as connection:
            connection.execute(text("CREATE TABLE visits (moment DOUBLE PRECISION, page INTEGER)"))
            connection.execute(text("INSERT INTO visits VALUES (1, 7), (2, 8)"))
            connection.execute(
                text(f"CREATE VIEW slow AS SELECT *, (SELECT {slow}) AS waited FROM visits")
            )
        store.dispose()
        monkeypatch.setattr("db.session.SILENCE_S", 1.0)
        mapping = "timestamp=moment,cache_key=page"
        trace = imported(settings_for(url, tmp_path), table="slow", mapping=mapping)
        assert len(trace.requests) == 2


def test_an_import_is_noted_in_the_audit(sqlite_store: Engine, tmp_path: Path) -> None:
    from db.tables import audit

    settings = settings_for(sqlite_store.url, tmp_path)
    path = tmp_path / "a.csv"
    path.write_text("ts,url\n1,/a\n")
    import_trace(Wanted(file=str(path)), "me", settings)
    with sqlite_store.connect() as connection:
        who, action, params = connection.execute(
            select(audit.c.who, audit.c.action, audit.c.params)
        ).one()
    assert (who, action) == ("me", "import trace")
    assert json.dumps(params).count("a.csv") == 1
