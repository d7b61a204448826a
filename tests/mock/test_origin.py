from __future__ import annotations

import time
from typing import Any

import httpx
from sqlalchemy import Row, func, select
from starlette.testclient import TestClient

from db import tables
from db.session import reading
from db.writes import insert, set_tunable
from engine.errors import EngineError
from engine.records import Action
from mock.energy.endpoints import ENDPOINTS
from mock.serving import CachedApi
from mock.web import make_app
from tests.mock.conftest import RunningOrigin, wait_for


def rows_of(origin: RunningOrigin) -> list[dict[str, object]]:
    with reading(origin.store) as connection:
        found = connection.execute(select(tables.cache_metrics).order_by(tables.cache_metrics.c.id))
        return [dict(row) for row in found.mappings()]


def decide(origin: RunningOrigin, name: str, action: Action, ttl: float, seconds: float) -> None:
    now = time.time()
    with reading(origin.store) as connection:
        source = connection.execute(select(tables.sources.c.id)).scalar_one()
    row = {
        "prediction_id": f"{name}-{now}",
        "at": now,
        "source": source,
        "agent": "qlearning",
        "cache_name": name,
        "action": action.value,
        "ttl_seconds": ttl,
        "refresh_ahead": action is Action.KEEP_REFRESH,
        "valid_from": now - 1,
        "valid_until": now + seconds,
        "published": True,
        "state": "s",
        "q_values": [0, 0, 0, 0],
        "explored": False,
        "exploration": 0.1,
        "reason": "a test",
    }
    assert insert(origin.store, tables.decisions, [row]) == 1


def test_every_request_leaves_exactly_one_row_and_says_hit_or_miss(origin: RunningOrigin) -> None:
    asked = ["/branches", "/branches", "/production/total?price_area=dk1", "/price-areas"]
    with httpx.Client(base_url=origin.address) as client:
        answers = [client.get(target) for target in asked]
        head = client.head("/branches")
        same = client.get("/production/total?resolution=day&price_area=DK1")
    assert [a.headers["x-cache"] for a in answers] == ["miss", "hit", "miss", "miss"]
    assert head.status_code == 200
    assert head.headers["x-cache"] == "hit"
    assert head.content == b""
    assert same.headers["x-cache"] == "hit", "the same request in another form has the same key"
    assert origin.stop() < 2, "and what it still holds is written by then"
    rows = rows_of(origin)
    assert len(rows) == 6
    assert [row["hit"] for row in rows] == [False, True, False, False, True, True]
    assert [row["sequence"] for row in rows] == list(range(6))
    assert rows[2]["cache_name"] == "/production/total"
    assert rows[2]["size_bytes"] == len(answers[2].content)
    assert float(str(rows[2]["load_time_ms"])) > float(str(rows[5]["load_time_ms"]))
    assert rows[0]["policy_triggered"] == "lru"
    assert rows[0]["rl_action_taken"] is None


def test_every_endpoint_answers_with_data(origin: RunningOrigin) -> None:
    with httpx.Client(base_url=origin.address) as client:
        for path in ENDPOINTS:
            query = {"municipality": "101"} if path == "/consumption/raw" else {}
            answer = client.get(path.replace("{municipality}", "101"), params=query)
            assert answer.status_code == 200, (path, answer.text)
            assert len(answer.content) > 60, path


def test_a_wrong_request_gets_one_clear_sentence_and_leaves_no_row(origin: RunningOrigin) -> None:
    wrong = {
        "/branches?colour=red": "There is no parameter 'colour'",
        "/production/raw?start=yesterday": "write a date as YYYY-MM-DD",
        "/production/raw?start=2030-01-02&end=2030-01-01": "swap them",
        "/production/raw?start=1999-01-01&end=1999-01-02": "choose dates from",
        "/production/raw?price_area=XX": "choose one of: DK1",
        "/consumption/raw": "municipality is missing",
        "/municipalities/7": "choose one of",
    }
    with httpx.Client(base_url=origin.address) as client:
        for target, sentence in wrong.items():
            answer = client.get(target)
            assert answer.status_code == 422, target
            assert sentence in answer.json()["detail"], target
        assert client.get("/branches", headers={"Host": "evil.example"}).status_code == 400
    origin.stop()  # what it holds is written by then
    assert rows_of(origin) == []


def test_published_decisions_are_obeyed_until_they_end(origin: RunningOrigin) -> None:
    with httpx.Client(base_url=origin.address) as client:
        client.get("/branches")
        assert client.get("/branches").headers["x-cache"] == "hit"
        decide(origin, "/branches", Action.DROP, 0, 3.5)
        assert wait_for(lambda: client.get("/branches").headers["x-cache"] == "miss", 4)
        assert client.get("/branches").headers["x-cache"] == "miss"
        assert wait_for(lambda: client.get("/branches").headers["x-cache"] == "hit", 6)
    assert wait_for(lambda: rows_of(origin)[-1]["rl_action_taken"] is None)
    ruled = [row for row in rows_of(origin) if row["rl_action_taken"] == "drop"]
    assert ruled
    assert {row["policy_triggered"] for row in ruled} == {"qlearning"}


def test_refresh_ahead_loads_again_before_the_expiry(origin: RunningOrigin) -> None:
    decide(origin, "/branches", Action.KEEP_REFRESH, 2, 30)
    with httpx.Client(base_url=origin.address) as client:

        def ruled() -> bool:
            client.get("/branches")
            return any(row["rl_action_taken"] == "keep_refresh" for row in rows_of(origin))

        assert wait_for(ruled)
        for _ in range(25):
            time.sleep(0.2)
            assert client.get("/branches").headers["x-cache"] == "hit"

    def refreshes() -> int:
        with reading(origin.store) as connection:
            counted = select(func.count()).select_from(tables.cache_refreshes)
            return int(connection.execute(counted).scalar_one())

    assert wait_for(lambda: refreshes() >= 2)


def test_hits_become_stale_because_the_data_change(origin: RunningOrigin) -> None:
    with httpx.Client(base_url=origin.address) as client:
        client.get("/production/latest")
        until = time.monotonic() + 15

        def stale() -> bool:
            client.get("/production/latest")
            time.sleep(0.2)
            return any(row["stale"] for row in rows_of(origin))

        while not stale() and time.monotonic() < until:
            continue
    found = rows_of(origin)
    assert any(row["stale"] and row["hit"] for row in found)
    assert not any(row["stale"] and not row["hit"] for row in found)


def test_occupancy_has_a_row_for_every_second_and_the_origin_stops_in_two(
    origin: RunningOrigin,
) -> None:
    httpx.get(f"{origin.address}/municipalities")
    occupancy = tables.cache_occupancy
    whole = select(occupancy).where(occupancy.c.cache_name == "*").order_by(occupancy.c.at)

    def written() -> list[Row[Any]]:
        with reading(origin.store) as connection:
            return list(connection.execute(whole))

    assert wait_for(lambda: len(written()) >= 3)
    assert origin.stop() < 2
    assert origin.process.returncode == 0
    found = written()
    seconds = [row.at for row in found]
    assert seconds == list(range(seconds[0], seconds[0] + len(seconds)))
    assert len(seconds) >= 3
    assert found[-1].items == 1
    assert abs(found[-1].byte_seconds / found[-1].bytes - 1) < 0.3


def test_a_pace_that_was_not_read_yet_is_not_told() -> None:
    def nothing() -> CachedApi:
        raise EngineError("The sample origin is still preparing its data.")

    client = TestClient(make_app(nothing, lambda: None), base_url="http://127.0.0.1")
    assert client.get("/traffic").status_code == 503


def test_the_origin_tells_its_traffic_what_an_operator_wants(origin: RunningOrigin) -> None:
    def told() -> object:
        answer = httpx.get(f"{origin.address}/traffic")
        return answer.json() if answer.is_success else None

    assert wait_for(lambda: told() == {"rate": 0.0, "workload": "auto"})
    set_tunable(origin.store, "traffic.rate", 7, "test")
    set_tunable(origin.store, "traffic.workload", "scan", "test")
    assert wait_for(lambda: told() == {"rate": 7.0, "workload": "scan"})
    assert origin.stop() < 2
    assert not rows_of(origin), "who asks for it is no client of the API"
