from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from db.migrations import migrate
from db.queries import system
from db.session import open_store
from engine.api.application import create_app
from engine.settings import Settings
from engine.tunables import TUNABLES
from tests.engine.stubs.running import RunningEngine, stub


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[RunningEngine]:
    engine = RunningEngine(tmp_path, stub("queue"), stub("agent"))
    migrate(open_store(engine.settings.database_url))
    yield engine
    engine.close()


def client_of(settings: Settings) -> TestClient:
    return TestClient(
        create_app(settings), base_url="http://127.0.0.1:8000", raise_server_exceptions=False
    )


@pytest.fixture
def client(engine: RunningEngine) -> TestClient:
    return client_of(engine.settings)


@pytest.fixture
def alone(tmp_path: Path) -> TestClient:
    """An API without an engine and without a store."""
    url = "postgresql://nobody@127.0.0.1:9/nothing"
    return client_of(Settings(data_dir=tmp_path, log_dir=tmp_path, database_url_text=url))


def test_services_are_shown_stopped_and_started(engine: RunningEngine, client: TestClient) -> None:
    engine.becomes("agent", "running")
    stopped = client.post("/services/agent/stop")
    assert stopped.status_code == 200
    states = {s["name"]: s["state"] for s in client.get("/status").json()["services"]}
    assert states["agent"] == "stopped"
    assert client.post("/services/agent/start").status_code == 200
    engine.becomes("agent", "running")
    store = open_store(engine.settings.database_url)
    assert [row["action"] for row in system.audit(store)] == ["start service", "stop service"]


def test_a_tunable_changes_and_nonsense_changes_nothing(client: TestClient) -> None:
    assert client.put("/tunables/agent.hold", json={"value": True}).json()["value"] is True
    wrong = client.put("/tunables/agent.learning_rate", json={"value": 7})
    assert wrong.status_code == 422
    assert wrong.headers["content-type"] == "application/problem+json"
    assert wrong.json() == {
        "type": "urn:cachescope:problem:tunable-error",
        "title": "Unprocessable Content",
        "status": 422,
        "detail": "agent.learning_rate is 7; give a number from 0.001 to 1.",
        "field": "value",
        "remedy": "Give a number from 0.001 to 1.",
    }
    values = {t["name"]: t["value"] for t in client.get("/tunables").json()}
    assert values["agent.hold"] is True
    assert values["agent.learning_rate"] == TUNABLES["agent.learning_rate"].default


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/nowhere", 404),
        ("DELETE", "/status", 405),
        ("POST", "/services/nobody/start", 404),
        ("POST", "/services/agent/dance", 422),
        ("GET", "/logs/nobody", 409),
        ("DELETE", "/jobs/none", 404),
        ("GET", "/jobs/none/curves", 404),
        ("GET", "/queue", 503),
        ("GET", "/jobs?limit=0", 422),
        ("POST", "/jobs", 422),
    ],
)
def test_an_error_is_one_sentence(client: TestClient, method: str, path: str, status: int) -> None:
    answer = client.request(method, path)
    assert answer.status_code == status
    assert answer.json()["status"] == status
    assert answer.json()["detail"].endswith(".") or "?" in answer.json()["detail"]


def test_decisions_of_an_empty_store_are_an_empty_list(client: TestClient) -> None:
    assert client.get("/decisions").json()["decisions"] == []


def test_a_foreign_host_name_is_refused(client: TestClient) -> None:
    answer = client.get("/status", headers={"host": "evil.example"})
    assert answer.status_code == 403
    assert "evil.example" in answer.json()["detail"]


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "http://evil.example"},
        {"origin": "http://localhost:9999"},
        {"origin": "http://127.0.0.1:8501"},
        {"origin": "null"},
        {"sec-fetch-site": "same-site"},
        {"sec-fetch-site": "cross-site"},
    ],
)
def test_a_page_of_another_site_may_change_nothing(
    engine: RunningEngine, client: TestClient, headers: dict[str, str]
) -> None:
    engine.becomes("agent", "running")
    assert client.post("/services/agent/stop", headers=headers).status_code == 403
    assert client.put("/tunables/agent.hold", headers=headers).status_code == 403
    assert engine.service("agent")["state"] == "running"


def test_a_page_of_our_own_may(client: TestClient) -> None:
    ours = {"origin": "http://127.0.0.1:8000", "sec-fetch-site": "same-origin"}
    assert client.put("/tunables/agent.hold", json={"value": True}, headers=ours).is_success


def test_without_engine_and_store_each_answer_is_a_sentence(alone: TestClient) -> None:
    assert alone.get("/health").json()["ok"] is False
    assert alone.get("/status").status_code == 409
    assert "engine up" in alone.get("/status").json()["detail"]
    assert alone.get("/tunables").status_code == 503
