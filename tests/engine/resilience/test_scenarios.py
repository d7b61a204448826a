"""Scenarios run for real in their quick form, on private pipelines."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from engine.errors import ResilienceError, UnknownName
from engine.registry import resolve
from engine.resilience import SCENARIOS
from engine.resilience.base import LIMITS, Scenario
from engine.resilience.checkers import CHECKERS
from engine.resilience.findings import Verdict
from engine.resilience.history import What, read_all
from engine.resilience.patience import Aborted
from engine.resilience.running import Outcome, run_scenario
from engine.settings import ROOT
from tests.engine.stubs.running import is_alive, until

SUITE = (
    "burst", "agent_killed", "producer_killed", "queue_killed", "connection_cut", "poison",
    "engine_killed", "database_locked", "limits",
)  # fmt: skip
"""One of each kind of fault; `engine resilience run --all --quick` runs the others too."""

MOST_S = 60.0
"""A full form lasts no longer, starting and judging aside."""


def scenario(name: str) -> Scenario:
    made: Scenario = resolve(SCENARIOS, name, "scenario")()
    return made


def run(name: str, folder: Path, backend: str = "manager", **given: float) -> Outcome:
    return run_scenario(name, folder / name, given, quick=True, backend=backend)


@pytest.mark.parametrize("name", SUITE)
def test_the_system_withstands_it(tmp_path: Path, name: str) -> None:
    outcome = run(name, tmp_path)
    failed = [one for one in outcome.findings if one.verdict is Verdict.FAIL]
    assert failed == []
    doubts = {one.checker for one in outcome.findings if one.verdict is Verdict.UNKNOWN}
    # A crowded machine may be too slow to learn from; nothing else is a reason not to know.
    assert doubts <= {"steady", "generator", "recovery", "settled", "proofs", "test"}
    if "test" in doubts:
        assert outcome.note.startswith(("This machine", "A private MariaDB"))


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


def test_what_cannot_be_asked_for_is_told_in_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(UnknownName, match="Did you mean 'burst'"):
        run("bursts", tmp_path)
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
run_scenario("agent_stalled", pathlib.Path(sys.argv[1]), {"stall_s": 12}, quick=True)
"""


def test_a_test_that_is_killed_takes_its_frozen_processes_with_it(tmp_path: Path) -> None:
    folder = tmp_path / "killed"
    runner = subprocess.Popen([sys.executable, "-c", CODE, str(folder)], cwd=ROOT)
    try:
        until((folder / "history").is_dir)
        until(lambda: any(e.what is What.INJECTED for e in read_all(folder / "history")), 30.0)
        pids = {int(path.stem.rpartition("-")[2]) for path in (folder / "history").glob("*.jsonl")}
    finally:
        os.kill(runner.pid, signal.SIGKILL)
        runner.wait()
    begun = time.monotonic()
    until(lambda: not any(map(is_alive, pids)), 10.0)
    assert time.monotonic() - begun < 5.0
