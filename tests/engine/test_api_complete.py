"""The endpoints with which a person with curl seeds, simulates, follows, records and decides."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fastapi.testclient import TestClient
from sqlalchemy import select

from db.migrations import migrate
from db.queries import system
from db.queries.run import rows as read
from db.session import open_store
from db.tables import cache_metrics, decisions
from db.writes import create_job, insert, update_job
from engine.api.application import create_app
from engine.api.examples import ROW
from engine.models import registry
from engine.models.use import load_policy
from engine.settings import ROOT, Settings
from tests.engine.models.trained import policy
from tests.engine.stubs.running import RunningEngine, stub
from tests.engine.test_api import client_of


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    known = Settings(data_dir=tmp_path / "data", log_dir=tmp_path / "logs", sample=False)
    known.data_path.mkdir()
    store = open_store(known.database_url)
    migrate(store)
    registry.register(store, known, policy(), {}, {}, name="first")
    return known


@pytest.fixture
def client(settings: Settings) -> TestClient:
    return client_of(settings)


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[RunningEngine]:
    running = RunningEngine(tmp_path, stub("queue"))
    migrate(open_store(running.settings.database_url))
    yield running
    running.close()


def sent(sequence: int, count: int = 3, **more: object) -> dict[str, Any]:
    rows = [{**ROW, "cache_key": f"/prices?area={at}"} for at in range(count)]
    return {"writer": "shop-1", "sequence": sequence, "rows": rows, **more}


def test_a_batch_that_is_sent_twice_is_kept_once(settings: Settings, client: TestClient) -> None:
    first = client.post("/ingest", json=sent(0)).json()
    again = client.post("/ingest", json=sent(0, 5)).json()
    assert (first["committed"], first["present"], first["next"]) == (3, 0, 3)
    assert (again["committed"], again["present"]) == (2, 3)
    assert (first["source"], first["followed"]) == ("own", True)
    found = read(open_store(settings.database_url), select(cache_metrics))
    assert [row["sequence"] for row in found] == [0, 1, 2, 3, 4]
    assert {row["cache_name"] for row in found} == {"/prices"}


def test_secrets_in_keys_are_masked_before_they_are_kept(
    settings: Settings, client: TestClient
) -> None:
    body = sent(0, 1)
    body["rows"][0]["cache_key"] = "/a?token=hunter2"
    assert client.post("/ingest", json=body).is_success
    assert "hunter2" not in str(read(open_store(settings.database_url), select(cache_metrics)))


def test_rows_beside_the_sample_have_a_source_of_their_own(tmp_path: Path) -> None:
    known = Settings(data_dir=tmp_path, log_dir=tmp_path)
    migrate(open_store(known.database_url))
    client = client_of(known)
    told = client.post("/ingest", json=sent(0)).json()
    assert (told["source"], told["followed"]) == ("ingest", False)
    refused = client.post("/ingest", json=sent(0, source="sample"))
    assert refused.status_code == 400
    assert refused.json()["remedy"] == "Name another."


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"rows": []}, "rows"),
        ({"colour": 1}, "colour"),
        ({"sequence": -1}, "sequence"),
        ({"writer": "a/b"}, "writer"),
        ({"rows": [{**ROW, "hit": 1}]}, "rows[0].hit"),
        ({"rows": [{**ROW, "load_time_ms": -1}]}, "rows[0].load_time_ms"),
        ({"rows": [{**ROW, "size_bytes": 2**63}]}, "rows[0].size_bytes"),
    ],
)
def test_a_row_that_makes_no_sense_keeps_the_whole_batch_out(
    settings: Settings, client: TestClient, change: dict[str, Any], field: str
) -> None:
    answer = client.post("/ingest", json=sent(0) | change)
    assert answer.status_code == 422
    assert answer.json()["field"].replace("[...]", "[0]") == field
    assert read(open_store(settings.database_url), select(cache_metrics)) == []


def test_scores_and_actions_are_those_of_the_model(settings: Settings, client: TestClient) -> None:
    chance = np.random.default_rng(1)
    known = load_policy(1, settings=settings)
    batch = chance.normal(size=(6, 4, len(known.features))).astype(np.float32)
    scores, actions = known.run(batch)
    told = client.post("/models/1/decide", json={"candidates": batch.tolist()}).json()
    assert told["actions"] == actions.tolist()
    assert np.allclose(told["scores"], scores, atol=1e-5)
    rows = batch[:, 0]
    told = client.post(
        "/models/1/decide", json={"rows": rows.tolist(), "features": list(known.features)}
    ).json()
    assert told["actions"] == known.run(rows[:, None])[1].tolist()


def test_raw_requests_are_replayed_through_the_tracker(client: TestClient) -> None:
    keys = ["/a", "/b", "/a", "/c", "/b"]
    asked = [{"key": key, "load_time_ms": 5, "size_bytes": 10} for key in keys]
    told = client.post("/models/1/decide", json={"requests": asked, "maxsize": 10}).json()
    assert told["hits"] == [False, False, True, False, True]
    assert sorted(told["held"]) == ["/a", "/b", "/c"]
    small = client.post("/models/1/decide", json={"requests": asked, "maxsize": 1}).json()
    assert len(small["held"]) == 1


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({}, "exactly one"),
        ({"rows": [[1.0]], "requests": [{"key": "a"}]}, "exactly one"),
        ({"rows": [[1.0, 2.0]]}, "takes an array"),
        ({"rows": [[1.0], [1.0, 2.0]]}, "differ in length"),
        ({"rows": [[1e300] * 24]}, "finite"),
        ({"rows": [[1.0] * 24], "features": ["age"]}, "needs the feature"),
        ({"rows": [[1.0] * 24], "network": "magic"}, "magic"),
        ({"rows": [[1.0] * 24], "names": []}, "unknown field `names`"),
    ],
)
def test_a_batch_that_does_not_fit_is_refused(
    client: TestClient, body: dict[str, Any], words: str
) -> None:
    answer = client.post("/models/1/decide", json=body)
    assert answer.status_code in (400, 422)
    assert words in answer.json()["detail"]


def test_decisions_are_told_anew_only_when_they_changed(
    settings: Settings, client: TestClient
) -> None:
    first = client.get("/decisions")
    tag = first.headers["etag"]
    same = client.get("/decisions?wait=0.1", headers={"if-none-match": tag})
    assert (same.status_code, same.content, same.headers["etag"]) == (304, b"", tag)
    store = open_store(settings.database_url)
    decided = {
        "prediction_id": "p1", "at": 1.0, "source": first.json()["source"], "agent": "q",
        "cache_name": "/a", "action": "keep_long", "ttl_seconds": 60.0, "refresh_ahead": False,
        "valid_from": 1.0, "valid_until": 9e9, "published": True, "state": "s", "q_values": [],
        "explored": False, "exploration": 0.0, "reason": "r",
    }  # fmt: skip
    insert(store, decisions, [decided])
    changed = client.get("/decisions?wait=5", headers={"if-none-match": tag})
    assert changed.status_code == 200
    assert changed.json()["decisions"][0]["cache_name"] == "/a"
    assert changed.headers["etag"] != tag


def test_a_job_is_followed_to_its_end(settings: Settings, client: TestClient) -> None:
    run = create_job(open_store(settings.database_url), "compare", {}, "test")
    update_job(open_store(settings.database_url), run, state="done", result={"best": "lru"})
    answer = client.get(f"/jobs/{run}/events")
    assert answer.headers["content-type"].startswith("text/event-stream")
    name, data = answer.text.strip().split("\n")
    assert name == "event: end"
    assert json.loads(data.removeprefix("data: "))["result"] == {"best": "lru"}
    assert client.get("/jobs/none/events").status_code == 404
    assert client.post(f"/jobs/{run}/cancel").status_code == 409


def test_a_history_and_a_simulation_are_jobs(engine: RunningEngine) -> None:
    client, store = client_of(engine.settings), open_store(engine.settings.database_url)
    seeded = client.post("/db/seed", json={"rows": 10}).json()["id"]
    started = client.post("/simulation/start", json={"n": 5}).json()["id"]
    kinds = {run: system.job(store, run) for run in (seeded, started)}
    assert [row["kind"] for row in kinds.values() if row] == ["seed", "simulate"]
    row = kinds[started]
    assert row is not None
    assert row["params"]["api_url"].startswith("http://127.0.0.1:")
    assert client.get("/simulation/status").json()["traffic"] == "absent"
    assert client.post("/simulation/stop").status_code == 202
    assert client.post("/db/seed", json={"rows": 10, "colour": 1}).json()["field"] == "colour"


def test_nothing_synthetic_comes_beside_an_own_source_unasked(client: TestClient) -> None:
    for path in ("/db/seed", "/simulation/start"):
        answer = client.post(path, json={})
        assert answer.status_code == 409
        assert "sure=true" in answer.json()["remedy"].lower()


def test_an_export_that_was_never_made_cannot_be_taken(client: TestClient) -> None:
    answer = client.get("/models/1/export")
    assert answer.status_code == 404
    assert "POST /export/1" in answer.json()["remedy"]
    for path in ("/models/9", "/models/nobody", "/models/9/export"):
        assert client.get(path).status_code == 404


def test_a_training_job_is_exported_by_its_id_and_only_to_below_the_root(
    engine: RunningEngine,
) -> None:
    client, store = client_of(engine.settings), open_store(engine.settings.database_url)
    registry.register(store, engine.settings, policy(), {}, {}, name="first")
    run = create_job(store, "train", {}, "test")
    assert client.post(f"/export/{run}").status_code == 404
    update_job(store, run, state="done", result={"models": [1], "best": 1})
    asked = client.post(f"/export/{run}?output_dir=team").json()["id"]
    row = system.job(store, asked)
    assert row is not None
    assert row["params"] == {"model": 1, "output_dir": "team"}
    for place in ("../x", "/etc", "a/../../b", "~root"):
        assert client.post(f"/export/1?output_dir={place}").status_code == 400, place


def test_services_logs_and_metrics_are_told(engine: RunningEngine) -> None:
    client = client_of(engine.settings)
    assert [one["name"] for one in client.get("/services").json()] == ["queue"]
    assert client.get("/logs?service=queue&tail=5&level=INFO").json()["service"] == "queue"
    told = client.get("/metrics")
    assert told.headers["content-type"].startswith("text/plain; version=0.0.4")
    assert 'cachescope_service_running{service="queue"}' in told.text
    assert 'cachescope_up{part="queue"} 0.0' in told.text  # the stub is no broker
    assert "cachescope_hit_ratio 0.0" in told.text


def test_every_endpoint_is_documented_with_an_example(settings: Settings) -> None:
    told = create_app(settings).openapi()
    for path, operations in told["paths"].items():
        for verb, operation in operations.items():
            line = operation["x-codeSamples"][0]["source"]
            assert line.startswith("curl"), (verb, path)
            assert "{" not in line.split(" -d ")[0], line
            body = operation.get("requestBody", {}).get("content", {}).get("application/json")
            assert body is None or "example" in body, (verb, path)
            assert "application/problem+json" in operation["responses"]["default"]["content"]


def test_the_documentation_names_every_endpoint(settings: Settings) -> None:
    text = (ROOT / "docs" / "api.md").read_text()
    for path, operations in create_app(settings).openapi()["paths"].items():
        for verb in operations:
            assert f"`{verb.upper()} {path}`" in text
