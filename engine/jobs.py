"""Long work in a process of its own: seeding, simulating, retraining.

`python -m engine.jobs RUN` does the job whose row the action has written; the supervisor starts
it. Its row says how it stands: queued, running, then exactly one of done, failed, cancelled (a
person asked), interrupted (the engine ended).
"""

from __future__ import annotations

import argparse
import logging
import signal
import sys
import time
from collections.abc import Callable, Mapping
from types import FrameType
from typing import Any

from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from db.faults import StoreUnavailable
from db.queries import system
from db.session import open_store
from db.writes import update_job
from engine.errors import EngineError, JobError
from engine.lifeline import Lifeline
from engine.logs import configure
from engine.records import JobState
from engine.registry import resolve
from engine.settings import load_settings

JOBS: dict[str, str] = {
    "seed": "mock.mock_db:seed_job",
    "simulate": "mock.simulate_live:simulate_job",
    "retrain": "engine.forecast.train:retrain_job",
    "import": "engine.actions.traces:import_job",
    "export": "engine.export.job:export_job",
    "compare": "engine.actions.policies:compare_job",
    "curves": "engine.actions.curves:curves_job",
    "steps": "engine.actions.step_files:steps_job",
    "train": "engine.training.job:train_job",
    "evaluate": "engine.training.job:evaluate_job",
    "renew": "engine.training.job:renew_job",
    "study": "engine.study.job:study_job",
    "resilience": "engine.resilience.job:resilience_job",
}
"""Kind of job -> the function `run(params, job) -> result`, whose result is kept as JSON."""

RESUMED = ("train", "study")
"""Kinds that go on where they stood when their engine starts again."""

WRITE_S = 0.5
"""Progress is written at most this often."""

Run = Callable[[Mapping[str, Any], "JobHandle"], Mapping[str, Any] | None]


class JobHandle:
    """What a job's function gets: tell the progress, ask whether to stop, write a log line."""

    def __init__(self, store: Engine, run: str, lifeline: Lifeline) -> None:
        self.store = store
        self.id = run
        self.heeded = False
        self.by_request = False
        self._lifeline = lifeline
        self._written = 0.0
        self._log = logging.getLogger(f"job.{run[:8]}")
        signal.signal(signal.SIGUSR1, self._on_cancel)

    @property
    def cancelled(self) -> bool:
        """Whether the job should end now; look at least once a second and then return."""
        stop = self.by_request or self._lifeline.stopping.is_set()
        self.heeded = self.heeded or stop
        return stop

    def progress(self, fraction: float, message: str = "") -> None:
        """Say how much is done (0 to 1) and what is going on."""
        now = time.monotonic()
        self._lifeline.beat(round(fraction * 1000))
        if now - self._written < WRITE_S:
            return
        self._written = now
        done = min(1.0, max(0.0, fraction))
        try:
            update_job(self.store, self.id, progress=done, message=message)
        except (SQLAlchemyError, StoreUnavailable) as error:  # an outage ends no work
            self._log.warning("progress could not be written: %s", error)

    def log(self, message: str) -> None:
        """Write a line into the job's log."""
        self._log.info(message)

    def wait(self, seconds: float) -> bool:
        """Sleep up to `seconds`; True as soon as the job should end."""
        until = time.monotonic() + seconds
        while not self.cancelled and (left := until - time.monotonic()) > 0:
            self._lifeline.wait(min(left, 0.2))
        return self.cancelled

    def _on_cancel(self, _number: int, _frame: FrameType | None) -> None:
        self.by_request = True


def run_job(store: Engine, run: str, lifeline: Lifeline) -> JobState:
    """Do the job `run` and write its end; returns that end.

    Raises:
        JobError: there is no such job, or it is not waiting to be run.
    """
    row = system.job(store, run)
    if row is None:
        raise JobError(f"There is no job {run}.")
    if row["state"] != JobState.QUEUED:
        raise JobError(f"Job {run} is {row['state']} and cannot be run again.")
    job = JobHandle(store, run, lifeline)
    update_job(store, run, state=JobState.RUNNING, started_at=time.time(), message="starting")
    lifeline.ready()
    try:
        work: Run = resolve(JOBS, row["kind"], "kind of job")
        result = work(row["params"], job)
    except EngineError as error:
        return _end(job, _cut_short(job) or JobState.FAILED, str(error))
    except Exception as error:
        logging.getLogger(__name__).exception("job %s failed", run)
        return _end(job, JobState.FAILED, f"{type(error).__name__}: {error}")
    kept = dict(result or {})
    match _cut_short(job):
        case None:
            return _end(job, JobState.DONE, "done", progress=1.0, result=kept)
        case JobState.CANCELLED:
            return _end(job, JobState.CANCELLED, "cancelled on request", result=kept)
    return _end(job, JobState.INTERRUPTED, "the engine ended before the job did")


def _cut_short(job: JobHandle) -> JobState | None:
    """What a job is that was told to end, and noticed; None: it was not."""
    if not job.heeded:
        return None
    return JobState.CANCELLED if job.by_request else JobState.INTERRUPTED


def mark_interrupted(store: Engine, owner: str) -> int:
    """Jobs that a killed engine left as queued or running become interrupted; returns how many."""
    rows = system.unfinished_jobs(store, owner)
    for row in rows:
        update_job(
            store,
            row["id"],
            state=JobState.INTERRUPTED,
            message="the engine ended before the job did",
            finished_at=time.time(),
        )
    return len(rows)


def queue_again(store: Engine, owner: str) -> list[tuple[str, str]]:
    """Interrupted jobs of the kinds that can go on wait again; returns their ids and kinds."""
    rows = system.interrupted_jobs(store, owner, RESUMED)
    for row in rows:
        update_job(
            store,
            row["id"],
            state=JobState.QUEUED,
            message="goes on where it stood",
            finished_at=None,
        )
    return [(row["id"], row["kind"]) for row in rows]


def mark_ended(store: Engine, run: str, state: JobState, reason: str) -> None:
    """Write the end of a job whose process could not do it itself; a written end stays."""
    row = system.job(store, run)
    if row is not None and row["state"] in (JobState.QUEUED, JobState.RUNNING):
        update_job(store, run, state=state, message=reason, finished_at=time.time())


def _end(job: JobHandle, state: JobState, message: str, **columns: Any) -> JobState:  # noqa: ANN401
    update_job(job.store, job.id, state=state, message=message, finished_at=time.time(), **columns)
    job.log(f"{state}: {message}")
    return state


def main(arguments: list[str] | None = None) -> int:
    """Run one job, or write the end of one; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m engine.jobs")
    parser.add_argument("run", help="id of the job")
    parser.add_argument("--ended", metavar="REASON", help="only write that it has ended, and why")
    parser.add_argument("--state", choices=[*JobState], default=JobState.FAILED)
    given = parser.parse_args(arguments)
    lifeline = Lifeline()
    try:
        settings = load_settings()
        configure(settings.log_level)
        store = open_store(settings.database_url)
        if given.ended is not None:
            mark_ended(store, given.run, JobState(given.state), given.ended)
            return 0
        state = run_job(store, given.run, lifeline)
    except EngineError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    return 1 if state is JobState.FAILED else 0


if __name__ == "__main__":
    sys.exit(main())
