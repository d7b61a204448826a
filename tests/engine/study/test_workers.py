"""Several workers on one study, on real servers; one of them killed."""

from __future__ import annotations

import os
import signal
from pathlib import Path

from sqlalchemy import Engine

from db.queries import studies as known
from db.study_rows import claim, update_trial
from engine.study.progress import standing
from tests.engine.study.recorded import WorkerProcess, make, record, settings_of, wait_for


def test_a_killed_worker_loses_no_trial(server_store: Engine, tmp_path: Path) -> None:
    settings = settings_of(server_store, tmp_path)
    record(server_store)
    make(settings, vary={"learning_rate": [0.02, 0.1, 0.4, 0.8]}, seeds=2, stale_s=2.0)
    first, second = (WorkerProcess(settings, "s") for _ in range(2))
    try:
        wait_for(server_store, "s", 2)
        held = [t for t in known.trials(server_store, "s") if t["state"] == "running"]
        pids = {one["worker"].split(":")[1].split("-")[0] for one in held}
        victim, other = (first, second) if str(first.process.pid) in pids else (second, first)
        victim.kill()
        told = other.end()
    finally:
        first.end(1), second.end(1)
    trials = known.trials(server_store, "s")
    assert [t["state"] for t in trials] == ["done"] * 4, told
    runs = [(r["trial"], r["seed"]) for r in known.all_objectives(server_store, "s")]
    assert runs == [(trial, seed) for trial in range(4) for seed in range(2)]
    assert [t["config"]["learning_rate"] for t in trials] == [0.02, 0.1, 0.4, 0.8]
    assert standing(server_store, "s")["state"] == "done"


def test_an_interrupt_from_the_terminal_fails_no_trial(store: Engine, tmp_path: Path) -> None:
    settings = settings_of(store, tmp_path)
    record(store)
    make(settings, vary={"learning_rate": [0.02, 0.1, 0.4]}, seeds=4)
    worker = WorkerProcess(settings, "s", group=True)
    try:
        wait_for(store, "s", 2)
        os.killpg(worker.process.pid, signal.SIGINT)  # as Ctrl-C: to all of the group
        told = worker.end()
    finally:
        worker.end(1)
    states = {t["state"] for t in known.trials(store, "s")}
    assert states <= {"done", "waiting"}, told


def test_no_two_workers_get_the_same_trial_and_a_silent_one_loses_its_own(
    store: Engine, tmp_path: Path
) -> None:
    settings = settings_of(store, tmp_path)
    record(store)
    make(settings)
    taken = [claim(store, "s", f"w{n}", 100.0, 60.0) for n in range(5)]
    numbers = [one["trial"] for one in taken if one is not None]
    assert numbers == [0, 1, 2, 3]
    assert taken[4] is None
    assert update_trial(store, "s", 2, "w2", beat_at=190.0)
    assert standing(store, "s", 200.0)["state"] == "running"
    assert standing(store, "s", 300.0)["state"] == "waiting"
    again = claim(store, "s", "w9", 200.0, 60.0)
    assert again is not None
    assert (again["trial"], again["worker"]) == (0, "w9")
    assert not update_trial(store, "s", 0, "w0", beat_at=201.0)
    assert update_trial(store, "s", 0, "w9", beat_at=201.0)
