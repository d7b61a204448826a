"""The live scope: a running engine is harmed on purpose only, and healed whatever ends the test."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.actions import resilience as act
from engine.broker.base import Message
from engine.broker.client import connect
from engine.broker.place import place_of
from engine.errors import ResilienceError
from engine.resilience.findings import Verdict
from engine.resilience.history import What, read_all
from engine.resilience.running import Outcome, run_scenario
from engine.services import Service
from engine.settings import ROOT, Settings
from tests.engine.stubs.running import RunningEngine, is_alive, stub, until


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[RunningEngine]:
    """A real supervisor over the real queue server, and a stub in the agent's place."""
    place = place_of(Settings(data_dir=tmp_path / "data", log_dir=tmp_path / "logs"))
    words = ("--address", str(place.address), "--journal", str(place.journal))
    server = ("engine.broker.server", *words, "--key", str(place.key_file))
    running = RunningEngine(tmp_path, Service("queue", server, "Queue", ""), stub("agent"))
    running.becomes("queue", "running")
    running.becomes("agent", "running")
    yield running
    running.close()


def live(engine: RunningEngine, name: str) -> Outcome:
    folder = engine.folder / "runs" / name
    return run_scenario(name, folder, {}, quick=True, live=engine.settings)


def queues(engine: RunningEngine) -> list[str]:
    return [path.name for path in place_of(engine.settings).journal.glob("test-*")]


def is_stopped(pid: int) -> bool:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "T"


@pytest.mark.parametrize(("name", "struck"), [("queue_killed", "queue"), ("agent_killed", "agent")])
def test_a_live_service_is_killed_and_nothing_of_the_test_stays(
    engine: RunningEngine, name: str, struck: str
) -> None:
    queue = connect(engine.settings)
    queue.put_many([Message("a prediction", b"x", time.monotonic_ns())])
    before = {service: engine.service(service)["pid"] for service in ("queue", "agent")}
    outcome = live(engine, name)
    found = {one.checker: one for one in outcome.findings}
    assert [one for one in outcome.findings if one.verdict is Verdict.FAIL] == []
    assert outcome.scope == "live"
    assert found["back"].verdict is Verdict.PASS
    assert f"{struck} " in found["back"].evidence
    assert found["conservation"].verdict is Verdict.PASS
    changed = [service for service in before if engine.service(service)["pid"] != before[service]]
    assert changed == [struck]
    assert queues(engine) == []
    assert [one.id for one in queue.peek(5)] == ["a prediction"]
    queue.close()


CODE = """
import sys, pathlib
from engine.resilience.running import run_scenario
from engine.settings import Settings
home = pathlib.Path(sys.argv[1])
run_scenario("agent_stalled", home / "runs" / "stalled", {"stall_s": 12}, quick=True,
             live=Settings(data_dir=home / "data", log_dir=home / "logs"))
"""


def test_a_runner_that_dies_leaves_the_live_engine_healed(engine: RunningEngine) -> None:
    agent = engine.service("agent")["pid"]
    runner = subprocess.Popen([sys.executable, "-c", CODE, str(engine.folder)], cwd=ROOT)
    history = engine.folder / "runs" / "stalled" / "history"
    try:
        until(lambda: is_stopped(agent), 40.0)
        assert queues(engine) != []
    finally:
        os.kill(runner.pid, signal.SIGKILL)
        runner.wait()
    until(lambda: not is_stopped(agent), 5.0)
    until(lambda: queues(engine) == [], 15.0)
    ours = {int(path.stem.rpartition("-")[2]) for path in history.glob("*.jsonl")} - {runner.pid}
    until(lambda: not any(map(is_alive, ours)), 10.0)
    assert engine.service("agent")["pid"] == agent


def test_the_live_engine_is_harmed_on_purpose_only(tmp_path: Path) -> None:
    with pytest.raises(ResilienceError, match="confirm it with the word 'break'"):
        act.check_tests(["queue_killed"], {}, quick=True, scope="live", confirm="yes")
    with pytest.raises(ResilienceError, match="Clock jump runs on a private copy only"):
        act.check_tests(["clock_jump"], {}, quick=True, scope="live", confirm="break")
    with pytest.raises(ResilienceError, match="has its queue already"):
        act.check_tests([], {}, quick=True, scope="live", confirm="break", backend="redis")
    with pytest.raises(ResilienceError, match="The scope is 'all'; give copy or live"):
        act.check_tests(["control"], {}, quick=True, scope="all")
    named = act.check_tests([], {}, quick=True, scope="live", confirm="break")
    assert named == [one["name"] for one in act.scenarios() if one["live"]]
    away = Settings(data_dir=tmp_path / "none", log_dir=tmp_path / "logs")
    outcome = run_scenario("queue_killed", tmp_path / "x", {}, quick=True, live=away)
    assert outcome.verdict is Verdict.UNKNOWN
    assert outcome.note.startswith("No engine runs on this data folder")


def test_the_terminal_asks_for_the_word(engine: RunningEngine) -> None:
    command = [sys.executable, "-m", "engine", "resilience", "run", "control", "--quick", "--live"]
    environment = {
        **os.environ,
        "CACHESCOPE_DATA_DIR": str(engine.settings.data_path),
        "CACHESCOPE_LOG_DIR": str(engine.settings.log_path),
    }

    def told(*words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*command, *words], cwd=ROOT, env=environment, capture_output=True, text=True,
            timeout=90, check=False,
        )  # fmt: skip

    refused = told()
    assert refused.returncode == 2
    assert "confirm it with the word 'break'" in refused.stderr
    ran = told("--confirm", "break")
    assert "control" in ran.stdout, ran.stderr
    assert "fail" not in ran.stdout
    row = act.runs(settings=engine.settings)[0]
    assert (row["scenario"], row["scope"], row["backend"]) == ("control", "live", "manager")
    assert What.SWEPT in {
        event.what for event in read_all(act.root_of(engine.settings) / str(row["id"]) / "history")
    }
