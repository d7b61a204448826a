"""`engine.jobs` with jobs that tests can steer."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Mapping
from typing import Any

from engine import jobs
from engine.errors import JobError


def work(params: Mapping[str, Any], job: jobs.JobHandle) -> Mapping[str, Any]:
    fate = params["fate"]
    job.log(f"working towards {fate}")
    if fate == "refuse":
        raise JobError("There is nothing to seed.")
    if fate == "break":
        raise ZeroDivisionError("oops")
    if fate == "be deaf":
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    if fate == "die":
        os.kill(os.getpid(), signal.SIGKILL)
    for step in range(1, 1 + int(params.get("steps", 3))):
        job.progress(step / 1000, f"step {step}")
        if job.wait(0.05):
            break
    return {"steps": step}


if __name__ == "__main__":
    jobs.JOBS["stub"] = "tests.engine.stubs.job_main:work"
    sys.exit(jobs.main())
