"""Studies from the command line and over HTTP, on the same store."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import Engine, update

from db import study_rows
from db.queries import studies as known
from db.session import writing
from db.tables import study_plans
from engine.actions.store import _loaded
from engine.actions.study_results import best_trial
from engine.cli import main
from engine.settings import Settings
from tests.dashboard.studied import fill
from tests.engine.study.recorded import SOURCE, make, record, settings_of
from tests.engine.test_api import client_of


@pytest.fixture
def settings(
    sqlite_store: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Settings]:
    made = settings_of(sqlite_store, tmp_path)
    monkeypatch.setenv("DATABASE_URL", made.database_url.render_as_string(hide_password=False))
    monkeypatch.setenv("CACHESCOPE_DATA_DIR", str(tmp_path))
    _loaded.cache_clear()
    yield made
    _loaded.cache_clear()


@pytest.fixture
def client(settings: Settings) -> TestClient:
    return client_of(settings)


def told(capsys: pytest.CaptureFixture[str], *words: str) -> Any:  # noqa: ANN401 - JSON
    assert main(["study", *words, "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def test_a_study_is_made_worked_on_and_taken_away_from_the_command_line(
    settings: Settings,
    sqlite_store: Engine,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
) -> None:
    record(sqlite_store)
    made = told(
        capsys, "new", "s", "--vary", "learning_rate=0.05,0.3", "--seeds", "1",
        "--option", f"source={SOURCE}", "--option", "minutes=3", "--set", "discount=0.2",
    )  # fmt: skip
    assert made["spec"]["fixed"] == {"discount": 0.2}
    assert main(["worker", "--study", "s"]) == 0
    assert "2 trials done" in capsys.readouterr().out
    assert told(capsys, "list")[0]["state"] == "done"
    assert told(capsys, "pin", "s", "--trial", "1") == {"baseline": 1}
    found = told(capsys, "show", "s", "--top", "1")
    assert len(found["ranking"]) == 1
    best = found["ranking"][0]["config"]["learning_rate"]
    assert told(capsys, "apply", "s") == {
        "agent.discount": 0.2,
        "agent.learning_rate": best,
    }
    report = tmp_path / "report.html"
    assert main(["study", "export", "s", str(report)]) == 0
    assert "<h1>Study s</h1>" in report.read_text()
    assert main(["study", "export", "s", "report.doc"]) == 2
    assert "A study is written as csv, json, html" in capsys.readouterr().err
    assert main(["study", "show", "t"]) == 2
    assert "There is no study 't'; there are: s." in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--vary", "discount=0", "--vary", "discount=0.5"), "discount is varied twice"),
        (("--vary", "discount=0", "--option", "minutes=3", "--option", "minutes=4"),
         "minutes is given twice; give it once."),
    ],
)  # fmt: skip
def test_what_is_said_twice_is_refused(
    settings: Settings, capsys: pytest.CaptureFixture[str], words: tuple[str, ...], told: str
) -> None:
    assert main(["study", "new", "s", *words]) == 2
    assert told in capsys.readouterr().err


def test_a_random_study_runs_without_a_word_of_optuna(
    settings: Settings, sqlite_store: Engine, capfd: pytest.CaptureFixture[str]
) -> None:
    record(sqlite_store)
    make(settings, vary={"discount": {"low": 0.0, "high": 0.9}}, sampler="random", trials=2)
    assert main(["study", "run", "s"]) == 0
    told = capfd.readouterr()
    assert told.out == "s: done, 4 of 4 runs, 2 configurations.\n"
    assert told.err == ""


def test_workers_that_all_failed_are_no_success(
    settings: Settings, sqlite_store: Engine, capfd: pytest.CaptureFixture[str]
) -> None:
    fill(sqlite_store, "s")
    with writing(sqlite_store) as connection:
        connection.execute(update(study_plans).values(kind="cook"))
    assert main(["study", "run", "s"]) == 2
    assert "There is no kind of study 'cook'" in (told := capfd.readouterr().err)
    assert told.endswith("All workers of 's' failed; what they said stands above.\n")


def test_everything_of_a_study_is_there_over_http(client: TestClient, sqlite_store: Engine) -> None:
    fill(sqlite_store, "s")
    assert [one["name"] for one in client.get("/studies").json()] == ["s"]
    found = client.get("/studies/s").json()
    assert found["ranking"][0]["trial"] == 2
    assert found["effects"][0]["name"] == "discount"
    chances = [one["improvement"] for one in found["ranking"]]
    assert chances[0] is None
    assert all(0.0 <= chance <= 0.5 for chance in chances[1:])
    valued = client.get("/studies/s/values").json()
    assert [one["value"] for one in valued if one["name"] == "discount"] == [0.0, 0.3, 0.9]
    assert valued[0]["runs"] == 9
    assert valued[0]["low"] <= valued[0]["objective"] <= valued[0]["high"]
    assert client.put("/studies/s/baseline?trial=0").json()["baseline"] == 0
    differs = client.get("/studies/s/trials/2/differences/0").json()
    assert differs["differences"] == [{"name": "learning_rate", "first": 0.6, "second": 0.02}]
    assert len(client.get("/studies/s/curves?trial=1&trial=2").json()) == 6
    assert client.post("/studies/s/stop").json()["state"] == "stopped"
    assert client.post("/studies/s/seeds?add=2&trial=1").json() == {"trials": 1}
    waiting = next(t for t in known.trials(sqlite_store, "s") if t["state"] == "waiting")
    assert (waiting["trial"], waiting["seeds"]) == (1, 5)
    assert client.get("/studies/s/export/csv").text.startswith("trial,seed,discount,learning_rate")
    assert "detail" in {one["name"] for one in client.get("/studies/parameters/agent").json()}
    assert client.delete("/studies/s").json() == {"removed": "s"}
    refused = client.get("/studies/s")
    assert 400 <= refused.status_code < 500
    assert "There is no study 's'" in refused.text


def test_what_failed_after_a_lucky_run_is_not_the_best(
    settings: Settings, sqlite_store: Engine
) -> None:
    fill(sqlite_store, "s")
    assert best_trial("s", settings) == 2
    for number in (2, 5):
        study_rows.update_trial(sqlite_store, "s", number, None, state="failed", objective=99.0)
    assert best_trial("s", settings) not in (2, 5)


def test_an_agent_study_has_no_model(client: TestClient, sqlite_store: Engine) -> None:
    fill(sqlite_store, "s")
    assert "it has no model to register" in client.post("/studies/s/trials/2/register").text
