"""Queries: right rows, bounded, by an index, whatever module of db.queries they stand in."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from collections.abc import Callable, Iterator
from typing import Any

import pandas as pd
import pytest
from sqlalchemy import Engine, event

import db.queries
from db import writes
from db.migrations import migrate
from db.queries import decisions, forecasts, system, traffic
from db.session import open_store
from db.tables import decisions as decision_table
from db.tables import events, metadata, rewards, rollups
from db.tables import forecast_scores as score_table

SMALL = {"sources", "tunables", "leases", "study_plans"}
"""Tables that hold a handful of rows, one a thing that a person made; reading them whole is no
harm."""

ARGUMENTS: dict[str, Any] = {
    "source": 1,
    "source_id": 1,
    "name": "sample",
    "queue": "predictions",
    "cache_name": "/a",
    "agent": "qlearning",
    "policy": "recorded",
    "since": 100.0,
    "after": 100.0,
    "until": 200.0,
    "now": 150.0,
    "last_id": 5,
    "job_id": "1",
    "owner": "me",
    "writer": "me",
    "kinds": ["seed"],
    "width": 10,
    "keys": ["a", "b"],
    "alias": "champion",
    "number": 1,
    "run": "1",
    "id_": "1",
    "limit": 10,
    "numbers": [1, 2],
}
"""A value for every required argument that a query may have."""


def functions() -> Iterator[tuple[str, Callable[..., Any]]]:
    """Every public function of every module of `db.queries` that takes the store first."""
    for module in pkgutil.iter_modules(db.queries.__path__):
        if module.name == "run":
            continue
        loaded = importlib.import_module(f"db.queries.{module.name}")
        for name, function in inspect.getmembers(loaded, inspect.isfunction):
            takes = list(inspect.signature(function).parameters)
            own = function.__module__ == loaded.__name__ and not name.startswith("_")
            if own and takes[:1] == ["store"] and takes[1:2] != ["statement"]:
                yield f"{module.name}.{name}", function


def call(function: Callable[..., Any], store: Engine) -> object:
    parameters = list(inspect.signature(function).parameters.values())[1:]
    required = [p.name for p in parameters if p.default is inspect.Parameter.empty]
    missing = set(required) - set(ARGUMENTS)
    assert not missing, f"give ARGUMENTS a value for {missing}"
    return function(store, **{name: ARGUMENTS[name] for name in required})


@pytest.fixture(scope="module")
def empty_store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """One store for all the tests here that only read."""
    opened = open_store(f"sqlite:///{tmp_path_factory.mktemp('queries')}/store.sqlite3")
    migrate(opened)
    yield opened
    opened.dispose()


@pytest.mark.parametrize("name", [name for name, _ in functions()])
def test_no_query_reads_a_whole_table(empty_store: Engine, name: str) -> None:
    asked: list[tuple[str, Any]] = []

    def note(_c: object, _cursor: object, sql: str, values: object, *_: object) -> None:
        if sql.lstrip().upper().startswith(("SELECT", "WITH")):
            asked.append((sql, values))

    event.listen(empty_store, "before_cursor_execute", note)
    call(dict(functions())[name], empty_store)
    event.remove(empty_store, "before_cursor_execute", note)
    assert asked
    big = set(metadata.tables) - SMALL
    with empty_store.connect() as connection:
        for sql, values in asked:
            plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {sql}", values)
            steps = [str(row[3]) for row in plan]
            scans = [s for s in steps if s.startswith("SCAN") and s.split()[1] in big]
            # By the primary key, which is the table itself, SQLite names no index.
            by_key = f"ORDER BY {scans[0].split()[1]}.id" in sql if scans else False
            ordered = [s for s in scans if ("USING" in s or by_key) and "LIMIT" in sql.upper()]
            assert scans == ordered, f"{sql}\n{steps}"
            one_row = sql.lower().startswith(("select max(", "select min("))
            assert "LIMIT" in sql.upper() or one_row, f"not bounded: {sql}"


@pytest.mark.parametrize("name", [name for name, _ in functions() if name.endswith("_frame")])
def test_a_frame_has_its_columns_even_without_rows(empty_store: Engine, name: str) -> None:
    found = call(dict(functions())[name], empty_store)
    assert isinstance(found, pd.DataFrame)
    assert len(found) == 0
    assert len(found.columns) > 1


def bucket(at: int, cache_name: str = "*", width: int = 1, **columns: Any) -> dict[str, Any]:  # noqa: ANN401
    row: dict[str, Any] = dict.fromkeys(traffic.SUMS, 1)
    row |= {"source": 1, "policy": "recorded", "width": width, "at": at}
    return row | {"cache_name": cache_name, "load_histogram": "{}"} | columns


def test_rollups_come_by_window_width_and_endpoint(store: Engine) -> None:
    buckets = [
        bucket(at, name, requests=at) for at in range(100, 110) for name in ("*", "/a", "/b")
    ]
    others = [bucket(105, width=10), bucket(105, policy="lru"), bucket(105, source=2)]
    writes.insert(store, rollups, [*buckets, *others])
    totals = traffic.totals(store, 1, 102, 105)
    assert [row["at"] for row in totals] == [102, 103, 104]
    assert [row["at"] for row in traffic.totals(store, 1, 0, 200, limit=2)] == [108, 109]
    sums = traffic.endpoints(store, 1, 102, 105)
    assert {row["cache_name"]: row["requests"] for row in sums} == {"/a": 309, "/b": 309}
    assert all(type(row["requests"]) is int for row in sums)
    series = traffic.series(store, 1, after=107)
    assert [(row["at"], row["cache_name"]) for row in series] == [
        (at, name) for at in (108, 109) for name in ("*", "/a", "/b")
    ]


def test_a_window_is_shown_in_buckets_that_fit_a_chart() -> None:
    assert [traffic.width_for(seconds) for seconds in (60, 3600, 86_400)] == [1, 10, 300]


def decided(number: int, **columns: Any) -> dict[str, Any]:  # noqa: ANN401
    row: dict[str, Any] = {
        "prediction_id": f"p{number}",
        "at": 100.0 + number,
        "source": 1,
        "agent": "qlearning",
        "cache_name": "/a",
        "action": "drop",
        "ttl_seconds": 1.0,
        "refresh_ahead": False,
        "valid_from": 100.0 + number,
        "valid_until": 105.0 + number,
        "published": True,
        "state": "0",
        "q_values": [0.0, 1.5],
        "explored": False,
        "exploration": 0.1,
        "reason": "",
    }
    return row | columns


def test_only_published_decisions_of_this_moment_are_obeyed(store: Engine) -> None:
    writes.insert(
        store,
        decision_table,
        [decided(0), decided(5), decided(6, published=False), decided(7, source=2), decided(20)],
    )
    assert [d["prediction_id"] for d in decisions.published(store, 1, 104.9)] == ["p0"]
    assert [d["prediction_id"] for d in decisions.published(store, 1, 105.0)] == ["p5"]
    assert [d["prediction_id"] for d in decisions.published(store, 1, 107.0)] == ["p5"]
    assert decisions.published(store, 1, 115.0) == []
    assert [d["prediction_id"] for d in decisions.latest(store, 1, 2)] == ["p20", "p6"]


def test_a_decision_waits_for_its_reward_until_it_has_one(store: Engine) -> None:
    writes.insert(store, decision_table, [decided(0), decided(1), decided(30)])
    waiting = decisions.without_reward(store, 1, 0, 110)
    assert [d["prediction_id"] for d in waiting] == ["p0", "p1"]
    assert waiting[0]["q_values"] == [0.0, 1.5]
    row = {"prediction_id": "p0", "at": 107.0, "source": 1, "cache_name": "/a", "action": "drop"}
    writes.insert(store, rewards, [row | {"valid_from": 100.0, "reward_ms": 3.5}])
    assert [d["prediction_id"] for d in decisions.without_reward(store, 1, 0, 110)] == ["p1"]
    assert [r["reward_ms"] for r in decisions.rewards(store, 1, 100, 110)] == [3.5]


def test_scores_come_by_time_and_by_endpoint(store: Engine) -> None:
    score = {"source": 1, "forecaster": "last", "cache_name": "*", "origins": 3, "chosen": True}
    score |= {"demand_mae": 1.0, "demand_mase": 1.0}
    writes.insert(store, score_table, [score | {"at": at} for at in (1.0, 2.0)])
    assert [s["at"] for s in forecasts.scores(store, 1, since=2.0)] == [2.0]
    assert len(forecasts.scores(store, 1, cache_name="*")) == 2
    assert forecasts.scores(store, 1, cache_name="/a") == []


def test_events_can_be_filtered(store: Engine) -> None:
    rows = [
        {"at": 100.0 + n, "writer": "w", "sequence": n, "service": "agent", "kind": "start"}
        | {"level": "error" if n % 2 else "info", "message": str(n)}
        for n in range(6)
    ]
    writes.insert(store, events, rows)
    assert [e["message"] for e in system.events(store, 102.0, limit=2)] == ["4", "5"]
    assert [e["message"] for e in system.events(store, 0.0, {"error"})] == ["1", "3", "5"]
