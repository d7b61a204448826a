"""Every refusal names the field that is to blame, and what to do instead."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from db.migrations import migrate
from db.session import open_store
from engine import actions
from engine.settings import ROOT
from tests.engine.stubs.running import RunningEngine, stub
from tests.engine.test_api import client_of

JSON = {"content-type": "application/json"}


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningEngine]:
    running = RunningEngine(tmp_path_factory.mktemp("engine"), stub("queue"))
    migrate(open_store(running.settings.database_url))
    yield running
    running.close()


@pytest.fixture
def client(engine: RunningEngine) -> TestClient:
    return client_of(engine.settings)


@pytest.mark.parametrize(
    ("method", "path", "body", "field"),
    [
        ("GET", "/jobs?limit=0", None, "limit"),
        ("GET", "/jobs?limits=5", None, "limits"),
        ("GET", "/logs?level=LOUD", None, "level"),
        ("GET", "/queue?name=another", None, "name"),
        ("GET", "/available-columns?source=none", None, "source"),
        ("GET", "/studies/none", None, "name"),
        ("POST", "/jobs", {}, "kind"),
        ("POST", "/jobs", {"kind": "magic"}, "kind"),
        ("POST", "/jobs", [], "body"),
        ("POST", "/services/none/start", None, "name"),
        ("POST", "/services/queue/dance", None, "verb"),
        ("POST", "/db/seed", {"rows": 0}, "rows"),
        ("POST", "/db/seed", {"rows": "many"}, "rows"),
        ("POST", "/db/seed", {"rowz": 5}, "rowz"),
        ("POST", "/train?algorithm=magic", {}, "algorithm"),
        ("POST", "/train?batch_size=64", {}, "batch_size"),
        ("POST", "/train?cache_size=many", {}, "cache_size"),
        ("POST", "/train?cache_size=-5", {}, "cache_size"),
        ("POST", "/train?trace=none", {}, "trace"),
        ("POST", "/train", {"colour": 1}, "colour"),
        ("POST", "/train?source=none", {}, "source"),
        ("POST", "/import", {"file": "/nowhere.log"}, "file"),
        ("POST", "/import", {"source": "none"}, "source"),
        ("POST", "/import", {"source": "sample", "name": "../x"}, "name"),
        ("POST", "/compare", {"trace": "none"}, "trace"),
        ("POST", "/compare", {"trace": "none", "sizes": ["many"]}, "sizes[0]"),
        ("POST", "/simulation/start", {"api_url": "http://example.com"}, "api_url"),
        ("POST", "/simulation/start", {"api_url": "http://[x"}, "api_url"),
        (
            "POST",
            "/train?algorithm=dqn",
            {"hyperparameters": {"learning_rate": -1}},
            "hyperparameters.learning_rate",
        ),
        ("POST", "/curves", {"trace": "x", "policies": ["lru", "magic"]}, "policies[1]"),
        ("POST", "/evaluate/99", {}, "model"),
        ("POST", "/evaluate/nobody", {}, "model"),
        ("POST", "/ingest", {"writer": "w", "sequence": 0, "rows": [{}]}, "rows[0].timestamp"),
        ("POST", "/studies", {"name": "x", "vary": {"magic": [1]}}, "vary.magic"),
        ("POST", "/resilience/run", {"scenarios": ["magic"]}, "scenarios[0]"),
        ("POST", "/resilience/run", {"scenarioz": ["burst"]}, "scenarioz"),
        ("POST", "/resilience/run", {"scenarios": ["burst"], "params": {"x": 1}}, "params.x"),
        ("POST", "/resilience/run", {"scenarios": ["burst"], "scope": "all"}, "scope"),
        ("PUT", "/tunables/agent.learning_rate", {"value": 7}, "value"),
        ("DELETE", "/jobs/none", None, "run"),
    ],
)
def test_a_refusal_names_the_field_and_the_remedy(
    engine: RunningEngine, client: TestClient, method: str, path: str, body: object, field: str
) -> None:
    answer = client.request(method, path, json=body)
    assert 400 <= answer.status_code < 500
    told = answer.json()
    assert told.get("field") == field, told
    assert told["remedy"].endswith("."), told
    assert told["remedy"].removesuffix(".")[1:] in told["detail"]
    assert actions.jobs(settings=engine.settings) == []


@pytest.mark.parametrize(
    ("path", "body", "words"),
    [
        ("/import", {}, "name one of: a file, a source, a table"),
        ("/import", {"source": "a", "table": "b"}, "name one of: a file, a source, a table"),
        ("/compare", {}, "name one of: a trace, a source"),
        ("/train?trace=a&source=b", {}, "name one of: a trace, a source"),
    ],
)
def test_what_names_nothing_or_too_much_starts_no_job(
    engine: RunningEngine, client: TestClient, path: str, body: object, words: str
) -> None:
    answer = client.post(path, json=body)
    assert answer.status_code == 400
    assert words in answer.json()["detail"]
    assert actions.jobs(settings=engine.settings) == []


@pytest.mark.parametrize("path", ["/jobs/none", "/studies/none", "/models/9", "/traces/none"])
def test_what_is_not_there_is_not_found(client: TestClient, path: str) -> None:
    assert client.delete(path).status_code == 404


def test_a_wrong_value_is_told_as_it_was_sent(client: TestClient) -> None:
    told = client.post("/db/seed", json={"rows": 0}).json()
    assert told["detail"] == "rows is 0; it should be greater than or equal to 1."
    told = client.post("/db/seed", content='{"rows": ', headers=JSON).json()
    assert told["detail"] == "The body is no JSON (Expecting value); send it as /docs shows."
    assert told["field"] == "body"
    told = client.post("/db/seed", content='{"rows": 5}').json()
    assert told["remedy"] == "Send the header `content-type: application/json`."


def test_a_field_is_named_only_where_one_alone_can_be_meant(client: TestClient) -> None:
    body = {"trace": "magic", "policies": ["magic"]}
    assert "field" not in client.post("/curves", json=body).json()


def test_settings_that_are_wrong_are_one_sentence_of_the_service(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "engine.api"],
        env={**os.environ, "CACHESCOPE_DATA_DIR": str(tmp_path), "CACHESCOPE_API_HOST": "::"},
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 2
    assert done.stderr.startswith("CACHESCOPE_API_HOST is '::'")
    assert "Traceback" not in done.stderr
