"""The job "study": worker processes on one study, watched until they have ended."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from typing import Any

from db.queries import studies as known
from engine.errors import StudyError
from engine.jobs import JobHandle
from engine.lifeline import PARENT_FD
from engine.settings import ROOT
from engine.study.progress import standing
from engine.supervision.jobs import ONE_THREAD

MOST_WORKERS = 64
WATCH_S = 0.5
END_S = 10.0


def study_job(params: Mapping[str, Any], job: JobHandle) -> dict[str, Any]:
    """Run a study; `params` are its name and a number of workers.

    Raises:
        StudyError: a parameter is unknown or makes no sense, or all workers failed.
    """
    if strange := set(params) - {"name", "workers"}:
        raise StudyError(f"A study has no {sorted(strange)[0]!r}; give name and workers.")
    name, workers = str(params.get("name", "")), int(params.get("workers", 1))
    with working(name, workers) as processes:
        while any(process.poll() is None for process in processes):
            found = standing(job.store, name)
            job.progress(found["share"], found["told"])
            if job.wait(WATCH_S):
                break
        else:
            if all(process.returncode for process in processes):
                raise StudyError(f"All workers of {name!r} failed; see the log of this job.")
    top = known.best(job.store, name, 1)
    told = standing(job.store, name)
    best = {"best": int(top[0]["trial"]), "objective": top[0]["objective"]} if top else {}
    return {"study": name, "runs": told["runs"], "note": told["told"], **best}


@contextlib.contextmanager
def working(name: str, workers: int) -> Iterator[list[subprocess.Popen[bytes]]]:
    """Worker processes on a study; they end with the block, and with this process.

    Raises:
        StudyError: an absurd number of workers.
    """
    if not 1 <= workers <= MOST_WORKERS:
        raise StudyError(f"workers is {workers}; give a number from 1 to {MOST_WORKERS}.")
    theirs, ours = os.pipe()
    command = [sys.executable, "-m", "engine", "worker", "--study", name, "--quiet"]
    processes = [
        subprocess.Popen(
            command,
            cwd=ROOT,
            env={**os.environ, **ONE_THREAD, PARENT_FD: str(theirs)},
            pass_fds=(theirs,),
        )
        for _ in range(workers)
    ]
    os.close(theirs)
    try:
        yield processes
    finally:
        for process in processes:
            process.terminate()
        for process in processes:
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(END_S)
            if process.poll() is None:
                process.kill()
                process.wait()
        os.close(ours)
