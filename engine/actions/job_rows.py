"""Starting, cancelling and listing jobs."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Mapping
from typing import Any

from db.queries import system
from db.writes import create_job, update_job
from engine.actions.roles import confined
from engine.actions.store import audited, given, storing
from engine.control import call
from engine.errors import ControlError, JobError, UnknownName
from engine.jobs import JOBS
from engine.leases import engine_id
from engine.records import JobState
from engine.registry import resolve
from engine.services import SERVICES
from engine.settings import Settings

_BY_THEMSELVES = frozenset(SERVICES) - {"api"}
"""Services that start jobs unasked; the API passes on what a person asks."""


def start_job(
    kind: str,
    params: Mapping[str, Any] | None = None,
    who: str = "terminal",
    settings: Settings | None = None,
) -> str:
    """Start a job under the running engine; returns its id.

    Raises:
        UnknownName: there is no such kind of job.
        NotAllowed: who acts may not, or a parameter names a file that is none of theirs.
        ControlError: no engine runs, or too many jobs run.
        StoreError: the store cannot be reached.
    """
    known = given(settings)
    wanted = confined(params or {}, known)
    # What a service starts by itself is in the table of jobs; the audit tells what people did.
    by_itself = who in _BY_THEMSELVES
    noted = audited(known, who, "start job", {"kind": kind, **wanted})
    with contextlib.nullcontext() if by_itself else noted:
        if kind not in JOBS:
            resolve(JOBS, kind, "kind of job")
        running = call(known, "status")  # no row for a job that nobody would run
        with storing(known) as store:
            run = create_job(store, kind, wanted, who)
            update_job(store, run, owner=running["engine"]["id"])
        try:
            call(known, "run_job", id=run, kind=kind)
        except ControlError as error:
            with storing(known) as store:
                update_job(
                    store,
                    run,
                    state=JobState.FAILED,
                    message=str(error),
                    finished_at=time.time(),
                )
            raise
    return run


def cancel_job(run: str, who: str = "terminal", settings: Settings | None = None) -> None:
    """Ask a running job to end.

    Raises:
        UnknownName: there is no such job.
        JobError: it has ended already.
        ControlError: no engine runs.
    """
    known = given(settings)
    with audited(known, who, "cancel job", {"id": run}):
        with storing(known) as store:
            row = system.job(store, run)
        if row is None:
            raise _no_job(run)
        if row["state"] not in (JobState.QUEUED, JobState.RUNNING):
            raise JobError(f"Job {run} is {row['state']} already.")
        call(known, "cancel_job", id=run)


def job(run: str, settings: Settings | None = None) -> dict[str, Any]:
    """One job: state, progress, message and result.

    Raises:
        UnknownName: there is no such job.
    """
    with storing(given(settings)) as store:
        row = system.job(store, run)
    if row is None:
        raise _no_job(run)
    return row


def jobs(limit: int = 50, settings: Settings | None = None) -> list[dict[str, Any]]:
    """The newest jobs, newest first; one that died unseen (its engine was killed) says so."""
    known = given(settings)
    with storing(known) as store:
        rows = system.jobs(store, limit)
    running: set[str] = set()
    own = engine_id(known)
    with contextlib.suppress(ControlError):
        found = call(known, "status")
        own, running = found["engine"]["id"], {job["id"] for job in found["jobs"]}
    for row in rows:
        if row["owner"] == own and row["state"] == JobState.RUNNING and row["id"] not in running:
            row["state"] = str(JobState.INTERRUPTED)
    return rows


def _no_job(run: str) -> UnknownName:
    return UnknownName(f"There is no job {run!r}; `python -m engine jobs` shows those that exist.")
