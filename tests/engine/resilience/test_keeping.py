"""What is kept of runs, and the faces that start and show them."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

import pytest
from sqlalchemy import Engine

from db import resilience_rows
from db.migrations import migrate
from db.queries import resilience as kept
from db.session import open_store
from engine import actions
from engine.actions import resilience as act
from engine.errors import ControlError, ResilienceError, UnknownName
from engine.resilience import SCENARIOS
from engine.resilience.keeping import Kept
from engine.resilience.report import NAME, render
from engine.settings import ROOT, Settings
from tests.engine.test_api import client_of


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(data_dir=tmp_path / "data", log_dir=tmp_path / "logs")


@pytest.fixture
def store(settings: Settings) -> Iterator[Engine]:
    opened = open_store(settings.database_url)
    migrate(opened)
    yield opened
    opened.dispose()


class Balanced(HTMLParser):
    """Refuses what a browser would have to load."""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag not in {"script", "link", "img", "iframe"}
        assert not {"src", "href"} & {name for name, _ in attrs}


def test_a_report_is_whole_before_anything_happened(tmp_path: Path, store: Engine) -> None:
    folder = tmp_path / "1-burst"
    run = Kept(folder, store, "burst", {"rate": 5.0}, quick=True, who="<me>", job="")
    text = (folder / NAME).read_text()
    Balanced().feed(text)
    assert text.endswith("</html>")
    assert "Nothing has been judged yet" in text
    found = kept.one(store, "1-burst")
    assert found is not None
    assert found["state"] == "running"
    run.close("aborted", note="The test was aborted on request.")
    found = kept.one(store, "1-burst")
    assert found is not None
    assert (found["state"], found["verdict"]) == ("aborted", "unknown")
    assert "aborted on request" in (folder / NAME).read_text()


def test_a_report_shows_no_foreign_markup(tmp_path: Path) -> None:
    run = Kept(tmp_path / "x", None, "burst", {}, quick=True, who="", job="")
    run.close("broken", note="<script>alert(1)</script>")
    assert "<script>" not in render(run.row)


def test_only_the_newest_runs_are_kept(store: Engine) -> None:
    for number in range(resilience_rows.KEPT + 3):
        resilience_rows.add_run(store, row(f"r{number:04d}", number))
    found = kept.runs(store, 1000)
    assert len(found) == resilience_rows.KEPT
    assert found[0]["id"] == f"r{resilience_rows.KEPT + 2:04d}"
    assert "timeline" not in found[0]


def row(id_: str, at: float) -> dict[str, object]:
    columns = ("scenario", "state", "verdict", "note", "job", "who", "backend", "scope")
    return {
        "id": id_, "quick": True, "params": {}, "findings": [], "timeline": {}, "figures": {},
        "began_at": at, "seconds": 1.0, **dict.fromkeys(columns, "done"),
    }  # fmt: skip


def test_a_run_in_the_terminal_is_judged_kept_and_reported(tmp_path: Path) -> None:
    def engine(*words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "engine", "resilience", *words],
            cwd=ROOT,
            env={**os.environ, "CACHESCOPE_DATA_DIR": str(tmp_path / "data"),
                 "CACHESCOPE_LOG_DIR": str(tmp_path / "logs")},
            capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip

    ran = engine("run", "control", "--quick", "--json", "--param", "rate=100")
    outcome = json.loads(ran.stdout)[0]
    assert ran.returncode == (outcome["verdict"] != "pass")
    assert outcome["verdict"] != "fail"
    assert outcome["values"]["rate"] == 100
    shown = engine("show", outcome["id"])
    assert "conservation" in shown.stdout
    assert engine("report", outcome["id"], str(tmp_path / "r.html")).returncode == 0
    assert "<polyline" in (tmp_path / "r.html").read_text()
    refused = engine("report", outcome["id"], str(tmp_path / "nowhere" / "r.html"))
    assert refused.returncode == 2
    assert refused.stderr.endswith("r.html cannot be written (No such file or directory); "
                                   "name another.\n")  # fmt: skip
    refused = engine("runs", "-n", "-1")
    assert refused.stderr == "limit is -1; give a number from 1 on.\n"
    refused = engine("run", "control", "--param", "rate=fast")
    assert (refused.returncode, refused.stdout) == (2, "")
    assert refused.stderr == "'rate=fast' is no parameter; write name=number.\n"


def test_what_makes_no_sense_is_refused_in_a_sentence(settings: Settings, store: Engine) -> None:
    with pytest.raises(UnknownName, match=r"no scenario 'brust'\. Did you mean 'burst'"):
        act.check_tests(["brust"], {}, quick=True)
    with pytest.raises(ResilienceError, match="name exactly one"):
        act.check_tests([], {"rate": 5}, quick=True)
    with pytest.raises(ResilienceError, match="rate is 'x'; give a number"):
        act.check_tests(["burst"], {"rate": "x"}, quick=True)
    with pytest.raises(UnknownName, match="There is no run '9'"):
        act.run("9", settings)
    with pytest.raises(ControlError, match="No engine runs"):
        act.start_tests(["burst"], quick=True, settings=settings)
    resilience_rows.add_run(store, row("1", time.time()) | {"state": "running"})
    with pytest.raises(ResilienceError, match="is not over; abort it first"):
        act.remove_run("1", settings=settings)


def test_a_run_whose_runner_was_killed_is_broken_and_can_be_forgotten(
    settings: Settings, store: Engine
) -> None:
    going = {"state": "running", "verdict": "", "note": "", "seconds": 3.0}
    resilience_rows.add_run(store, row("1", time.time() - 3.0 - act.SILENT_S - 1.0) | going)
    resilience_rows.add_run(store, row("2", time.time() - 3.0) | going)
    told = {one["id"]: (one["state"], one["verdict"]) for one in act.runs(settings=settings)}
    assert told == {"1": ("broken", "unknown"), "2": ("running", "")}
    assert "ended without a word" in act.run("1", settings)["note"]
    differing = {one["what"]: one["second"] for one in act.compare_runs("1", "2", settings)}
    assert differing == {"state": "running", "verdict": ""}
    act.remove_run("1", settings=settings)
    assert [one["id"] for one in act.runs(settings=settings)] == ["2"]


def test_the_api_lists_refuses_and_shows(settings: Settings, store: Engine) -> None:
    client = client_of(settings)
    assert [one["name"] for one in client.get("/resilience").json()] == list(SCENARIOS)
    resilience_rows.add_run(store, row("1", 1.0))
    assert client.get("/resilience/runs").json()[0]["id"] == "1"
    assert client.get("/resilience/runs/1").json()["seconds"] == 1.0
    assert client.get("/resilience/runs/2").status_code == 404
    refused = client.post("/resilience/run", json={"scenarios": ["nothing"]})
    assert refused.status_code == 404
    assert re.match(r"There is no scenario 'nothing'", refused.json()["detail"])
    assert client.delete("/resilience/runs/1").json() == {"removed": "1"}
    assert actions.jobs(settings=settings) == []
