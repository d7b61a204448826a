"""Scenarios run for real in their quick form, on private pipelines."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from engine.broker import BROKERS
from engine.errors import ResilienceError, UnknownName
from engine.registry import resolve
from engine.resilience import SCENARIOS
from engine.resilience.base import LIMITS, Scenario
from engine.resilience.checkers import CHECKERS
from engine.resilience.faults import dashboard
from engine.resilience.findings import Verdict
from engine.resilience.history import What, read_all
from engine.resilience.patience import Aborted
from engine.resilience.pipeline import Pipeline
from engine.resilience.queues import QUEUES
from engine.resilience.running import Outcome, run_scenario
from engine.resilience.sweeping import sweep
from engine.settings import ROOT
from tests.engine.stubs.running import is_alive, until

SUITE = (
    "burst", "agent_killed", "producer_killed", "queue_killed", "connection_cut", "poison",
    "engine_killed", "database_locked", "limits", "page_storm",
)  # fmt: skip
"""One of each kind of fault; `engine resilience run --all --quick` runs the others too."""

MOST_S = 60.0
"""A full form lasts no longer, starting and judging aside."""


def scenario(name: str) -> Scenario:
    made: Scenario = resolve(SCENARIOS, name, "scenario")()
    return made


ON_REDIS = (
    "burst", "agent_killed", "queue_killed", "queue_frozen", "connection_cut", "poison", "limits",
)  # fmt: skip
"""Those that ask something of the queue itself."""


def run(name: str, folder: Path, backend: str = "manager", **given: float) -> Outcome:
    return run_scenario(name, folder / name, given, quick=True, backend=backend)


@pytest.mark.parametrize(
    ("name", "backend"),
    [*((name, "manager") for name in SUITE), *((name, "redis") for name in ON_REDIS)],
)
def test_the_system_withstands_it(tmp_path: Path, name: str, backend: str) -> None:
    outcome = run(name, tmp_path, backend)
    failed = [one for one in outcome.findings if one.verdict is Verdict.FAIL]
    assert failed == []
    doubts = {one.checker for one in outcome.findings if one.verdict is Verdict.UNKNOWN}
    # A crowded machine may be too slow to learn from; nothing else is a reason not to know.
    assert doubts <= {"steady", "generator", "recovery", "settled", "proofs", "test"}
    if "test" in doubts:
        assert outcome.note.startswith(("This machine", "A private MariaDB"))


def test_without_a_redis_server_nothing_is_learnt_and_the_reason_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("engine.resilience.queues.redis.binary", lambda: None)
    outcome = run("queue_killed", tmp_path, "redis")
    assert outcome.verdict is Verdict.UNKNOWN
    assert outcome.note.startswith("This machine has no redis-server to start")
    with pytest.raises(UnknownName, match="no queue backend 'rabbit'"):
        run("queue_killed", tmp_path, "rabbit")


@pytest.mark.parametrize(
    ("hidden", "reason"),
    [
        ("ROOT", "This installation has no dashboard (the engine's image leaves it out)."),
        ("importlib.util.find_spec", "Streamlit is not installed here"),
    ],
)
def test_without_a_dashboard_nothing_is_learnt_and_the_reason_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, hidden: str, reason: str
) -> None:
    nothing: Any = tmp_path if hidden == "ROOT" else lambda _name: None
    monkeypatch.setattr(f"engine.resilience.faults.dashboard.{hidden}", nothing)
    outcome = run("page_storm", tmp_path)
    assert outcome.verdict is Verdict.UNKNOWN
    assert outcome.note.startswith(reason)


def test_each_queue_backend_of_the_product_can_be_tested() -> None:
    assert set(QUEUES) == set(BROKERS)


def test_a_handle_that_stays_open_is_a_leak(tmp_path: Path) -> None:
    def left(folder: Path) -> list[str]:
        return [event.note for event in read_all(folder / "history") if event.what is What.LEFT]

    for name, leaks in (("clean", False), ("leaking", True)):
        pipeline = Pipeline(tmp_path / name, scenario("connection_cut"), "manager", lambda: False)
        forgotten: list[Any] = [socket.socket(), (tmp_path / "f").open("w")] if leaks else []
        pipeline.close()
        sweep(pipeline)
        pipeline.history.close()
        for one in forgotten:
            one.close()
        assert bool(left(tmp_path / name)) is leaks
    assert any(str(tmp_path / "f") in note for note in left(tmp_path / "leaking"))


@pytest.mark.parametrize("name", SCENARIOS)
@pytest.mark.parametrize("quick", [True, False])
def test_every_form_is_declared_right(name: str, quick: bool) -> None:
    made = scenario(name)
    values = made.values({}, quick=quick)
    assert made.title
    assert made.question.endswith("?")
    assert made.load(values).seconds <= (6.0 if quick else MOST_S)
    assert set(made.checkers) <= set(CHECKERS)
    assert set(made.bounds(values)) == set(LIMITS)
    for row in made.parameters:
        assert row.low <= row.quick <= row.high
        assert row.low <= row.default <= row.high


def test_the_ramp_names_its_knee_in_its_evidence(tmp_path: Path) -> None:
    outcome = run_scenario("ramp", tmp_path / "r", {"steps": 2, "step_s": 0.3}, quick=True)
    seen = next(one.evidence for one in outcome.findings if one.checker == "proofs")
    assert re.search(r"the (0|500|1000)/s carried", seen)


def test_what_cannot_be_asked_for_is_told_in_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(UnknownName, match="Did you mean 'burst'"):
        run("bursts", tmp_path)
    with pytest.raises(ResilienceError, match=r"count is 150\.7; give a whole number"):
        run("burst", tmp_path, count=150.7)
    with pytest.raises(ResilienceError, match="rate is 0 /s; give 10 to 5000"):
        run("control", tmp_path, rate=0)
    with pytest.raises(ResilienceError, match="no parameter 'kills'; it has rate, seconds"):
        run("control", tmp_path, kills=1)
    assert list(tmp_path.iterdir()) == []


def test_an_aborted_test_heals_and_leaves_nothing(tmp_path: Path) -> None:
    folder = tmp_path / "agent_stalled"

    def stalled() -> bool:
        history = folder / "history"
        return history.is_dir() and any(e.what is What.INJECTED for e in read_all(history))

    with pytest.raises(Aborted):
        run_scenario("agent_stalled", folder, {"stall_s": 10}, quick=True, cancelled=stalled)
    events = read_all(folder / "history")
    assert any(event.what is What.HEALED for event in events)
    assert [event.note for event in events if event.what is What.LEFT] == []


CODE = """
import sys, pathlib
from engine.resilience.running import run_scenario
name, folder, parameter = sys.argv[1:]
run_scenario(name, pathlib.Path(folder), {parameter: 12}, quick=True)
"""


def killed(folder: Path, name: str, parameter: str) -> set[int]:
    """Kill the runner of a scenario in the middle of its fault; the pids of what it had started."""
    runner = subprocess.Popen([sys.executable, "-c", CODE, name, str(folder), parameter], cwd=ROOT)
    try:
        until((folder / "history").is_dir)
        until(lambda: any(e.what is What.INJECTED for e in read_all(folder / "history")), 60.0)
        return {int(path.stem.rpartition("-")[2]) for path in (folder / "history").glob("*.jsonl")}
    finally:
        os.kill(runner.pid, signal.SIGKILL)
        runner.wait()


def test_a_test_that_is_killed_takes_its_frozen_processes_with_it(tmp_path: Path) -> None:
    pids = killed(tmp_path / "killed", "agent_stalled", "stall_s")
    begun = time.monotonic()
    until(lambda: not any(map(is_alive, pids)), 10.0)
    assert time.monotonic() - begun < 5.0


def test_a_test_that_is_killed_takes_its_dashboard_with_it(tmp_path: Path) -> None:
    folder = tmp_path / "killed"
    pids = killed(folder, "page_storm", "storm_s")
    server = dashboard.shown(folder).pid
    assert len(pids) >= 6
    until(lambda: not any(map(is_alive, {*pids, server})), 10.0)
