from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine

from db.migrations import migrate
from db.queries import system
from db.session import open_store
from db.writes import create_job, update_job
from engine import actions
from engine.errors import ControlError, JobError, UnknownName
from engine.jobs import JOBS, mark_ended, mark_interrupted
from engine.leases import engine_id
from engine.records import JobState
from engine.supervision.plan import Limits
from tests.engine.stubs.running import RunningEngine, is_alive, until

MAIN = "tests.engine.stubs.job_main"


class Working:
    """An engine without services, whose jobs are stubs, and its store."""

    def __init__(self, folder: Path) -> None:
        limits = Limits(cancel_s=1.5, job_logs=3)
        self.engine = RunningEngine(folder, limits=limits, job_module=MAIN)
        self.store: Engine = open_store(self.engine.settings.database_url)
        migrate(self.store)

    def start(self, **params: object) -> str:
        return actions.start_job("stub", params, "tester", self.engine.settings)

    def row(self, run: str) -> dict[str, Any]:
        row = system.job(self.store, run)
        assert row is not None
        return row

    def ends(self, run: str) -> dict[str, Any]:
        over = (JobState.QUEUED, JobState.RUNNING)
        until(lambda: self.row(run)["state"] not in over)
        return self.row(run)

    def running(self, run: str) -> dict[str, Any]:
        until(lambda: self.row(run)["message"].startswith("step"))
        return self.row(run)


@pytest.fixture
def working(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Working]:
    monkeypatch.setitem(JOBS, "stub", f"{MAIN}:work")
    monkeypatch.setenv("CACHESCOPE_DATA_DIR", str(tmp_path / "data"))
    working = Working(tmp_path)
    yield working
    working.engine.close()
    working.store.dispose()


def test_a_job_runs_to_its_end_and_keeps_its_result(working: Working) -> None:
    row = working.ends(working.start(fate="end", steps=3))
    assert (row["state"], row["progress"], row["result"]) == ("done", 1.0, {"steps": 3})
    assert row["started_at"] <= row["finished_at"]
    assert row["who"] == "tester"
    lines = actions.tail_log(f"job-{row['id']}", settings=working.engine.settings)
    assert any("working towards end" in line for line in lines)


def test_a_refused_job_says_why_in_one_sentence(working: Working) -> None:
    row = working.ends(working.start(fate="refuse"))
    assert (row["state"], row["message"]) == ("failed", "There is nothing to seed.")


def test_a_broken_job_names_its_error_and_logs_the_trace(working: Working) -> None:
    row = working.ends(working.start(fate="break"))
    assert (row["state"], row["message"]) == ("failed", "ZeroDivisionError: oops")
    lines = actions.tail_log(f"job-{row['id']}", settings=working.engine.settings)
    assert any(line.startswith("Traceback") for line in lines)


def test_a_killed_job_is_failed_with_the_signal_as_reason(working: Working) -> None:
    row = working.ends(working.start(fate="die"))
    assert (row["state"], row["message"]) == ("failed", "ended by SIGKILL")


def test_a_cancelled_job_ends_as_cancelled(working: Working) -> None:
    run = working.start(fate="end", steps=1000)
    working.running(run)
    actions.cancel_job(run, "tester", working.engine.settings)
    assert working.ends(run)["state"] == "cancelled"
    with pytest.raises(JobError, match="is cancelled already"):
        actions.cancel_job(run, "tester", working.engine.settings)
    noted = [(row["action"], row["result"][:7]) for row in system.audit(working.store)][::-1]
    assert noted == [("start job", "done"), ("cancel job", "done"), ("cancel job", "refused")]


def test_the_engines_end_interrupts_its_jobs(working: Working) -> None:
    run = working.start(fate="end", steps=1000)
    working.running(run)
    working.engine.process.send_signal(signal.SIGTERM)
    assert working.ends(run)["state"] == "interrupted"


@pytest.mark.parametrize("fate", ["stopped", "deaf"])
def test_a_job_that_hears_nothing_does_not_keep_the_engine_from_ending(
    working: Working, fate: str
) -> None:
    run = working.start(fate="be deaf" if fate == "deaf" else "end", steps=1000)
    working.running(run)
    pid = working.engine.call("status")["jobs"][0]["pid"]
    if fate == "stopped":
        os.kill(pid, signal.SIGSTOP)
    working.engine.call("down")
    until(working.engine.all_gone, 8)
    assert fate == "deaf" or working.row(run)["state"] == "interrupted"


def test_a_stopped_job_can_be_cancelled(working: Working) -> None:
    run = working.start(fate="end", steps=1000)
    working.running(run)
    os.kill(working.engine.call("status")["jobs"][0]["pid"], signal.SIGSTOP)
    actions.cancel_job(run, "tester", working.engine.settings)
    assert working.ends(run)["state"] == "cancelled"
    assert working.row(run)["message"] != "ended by SIGKILL"


def test_only_the_newest_logs_of_jobs_are_kept(working: Working) -> None:
    folder = working.engine.plan.log_path / "jobs"
    folder.mkdir(parents=True)
    for number in range(5):
        (folder / f"old-{number}.log").write_text("past")
        os.utime(folder / f"old-{number}.log", (number, number))
    run = working.start(fate="end", steps=1)
    working.ends(run)
    assert {log.stem for log in folder.iterdir()} == {"old-3", "old-4", run}


def test_what_the_forecaster_starts_by_itself_is_a_job_but_no_act_of_a_person(
    working: Working,
) -> None:
    run = actions.start_job("stub", {"fate": "end"}, "forecaster", working.engine.settings)
    assert working.ends(run)["who"] == "forecaster"
    assert system.audit(working.store) == []


def test_a_killed_engines_jobs_end_with_it_and_are_marked_at_the_next_start(
    working: Working,
) -> None:
    run = working.start(fate="end", steps=1000)
    working.running(run)
    pid = working.engine.call("status")["jobs"][0]["pid"]
    working.engine.process.kill()
    until(lambda: not is_alive(pid), 4)
    # Whether or not the orphan still wrote its end, no later reader sees it as running.
    update_job(working.store, run, state=JobState.RUNNING)
    shown = actions.jobs(settings=working.engine.settings)[0]
    assert shown["state"] == "interrupted"
    assert mark_interrupted(working.store, engine_id(working.engine.settings)) == 1
    assert working.row(run)["state"] == "interrupted"


def test_another_engines_jobs_are_left_alone(sqlite_store: Engine) -> None:
    run = create_job(sqlite_store, "stub", {}, "tester")
    update_job(sqlite_store, run, state=JobState.RUNNING, owner="elsewhere:1")
    assert mark_interrupted(sqlite_store, "here:1") == 0


def test_a_written_end_stays(sqlite_store: Engine) -> None:
    run = create_job(sqlite_store, "stub", {}, "tester")
    update_job(sqlite_store, run, state=JobState.DONE)
    mark_ended(sqlite_store, run, JobState.FAILED, "ended by SIGKILL")
    row = system.job(sqlite_store, run)
    assert row is not None
    assert row["state"] == "done"


def test_an_unknown_kind_is_refused_and_leaves_no_row(working: Working) -> None:
    with pytest.raises(UnknownName, match="Did you mean 'seed'"):
        actions.start_job("sed", {}, "tester", working.engine.settings)
    assert system.jobs(working.store) == []


def test_without_an_engine_a_job_is_refused_and_leaves_no_row(working: Working) -> None:
    working.engine.process.kill()
    until(lambda: working.engine.process.poll() is not None)
    with pytest.raises(ControlError, match="No engine runs"):
        working.start(fate="end")
    assert system.jobs(working.store) == []


def test_every_row_of_the_table_names_a_module_and_a_function() -> None:
    assert all(target.count(":") == 1 for target in JOBS.values())
