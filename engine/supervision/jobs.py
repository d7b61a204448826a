"""Jobs that run as processes under the supervisor; their rows in the store are their own."""

from __future__ import annotations

import contextlib
import re
import selectors
import signal
import time
from typing import Any

from engine.errors import ControlError
from engine.supervision.events import EventLog
from engine.supervision.output import Output, keep_newest
from engine.supervision.plan import Plan
from engine.supervision.process import Process

MAX_JOBS = 8

ONE_THREAD = {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
"""Read when a job imports torch and NumPy: their small operations on two threads wait for each
other, 2 to 40 times slower beside other processes. Parallel work is several jobs."""

_ID = re.compile(r"[0-9a-zA-Z_-]{1,40}")


class JobProcess:
    """One job's process."""

    def __init__(self, run: str, kind: str, process: Process) -> None:
        self.run = run
        self.kind = kind
        self.process = process
        self.since = time.time()
        self.cancelled_at: float | None = None
        self.stopping = False


class Jobs:
    """Starts, cancels and reaps job processes."""

    def __init__(self, plan: Plan, events: EventLog, selector: selectors.BaseSelector) -> None:
        self._plan = plan
        self._selector = selector
        self._events = events
        self._jobs: dict[str, JobProcess] = {}
        self._closers: list[Process] = []
        self._end_by: float | None = None

    @property
    def processes(self) -> list[Process]:
        """All processes, for the loop that reads their pipes."""
        return [job.process for job in self._jobs.values()] + self._closers

    def start(self, run: str, kind: str) -> None:
        """Start the process of a job that already has its row.

        Raises:
            ControlError: it runs already, its id is no id, or too many jobs run.
        """
        if not _ID.fullmatch(run):
            raise ControlError(f"{run!r} is not the id of a job.")
        if run in self._jobs:
            raise ControlError(f"Job {run} runs already.")
        if len(self._jobs) >= MAX_JOBS:
            raise ControlError(f"{MAX_JOBS} jobs run already; cancel one or wait for it.")
        try:
            process = self._spawn(run, (self._plan.job_module, run))
        except OSError as error:
            raise ControlError(f"The job cannot be started ({error.strerror}).") from None
        self._jobs[run] = JobProcess(run, kind, process)
        self._events.add("jobs", "started", f"{kind} {run} started (pid {process.pid})")

    def cancel(self, run: str) -> None:
        """Ask a job to end; its row then says cancelled.

        Raises:
            ControlError: no such job runs.
        """
        job = self._jobs.get(run)
        if job is None:
            raise ControlError(f"No job {run} runs.")
        if job.cancelled_at is None:
            job.cancelled_at = time.monotonic()
            job.process.ask(signal.SIGUSR1)
            job.process.ask(signal.SIGCONT)  # a stopped process hears nothing before

    def stop_all(self) -> None:
        """Ask every job to end, as interrupted; what does not is killed in time."""
        if self._end_by is None:
            self._end_by = time.monotonic() + self._plan.limits.cancel_s
        for job in self._jobs.values():
            if not job.stopping:
                job.stopping = True
                job.process.ask(signal.SIGTERM)
                job.process.ask(signal.SIGCONT)

    def kill_all(self) -> None:
        """End every job at once."""
        for process in self.processes:
            process.signal_group(signal.SIGKILL)

    def turn(self, now: float, ending: bool) -> None:
        """Reap what ended and kill what does not listen; `ending`: the engine stops."""
        if self._end_by is not None and now >= self._end_by:
            self.kill_all()
        for process in list(self._closers):
            if process.ended() is not None:
                self._closers.remove(process)
                self._close(process)
        for run, job in list(self._jobs.items()):
            if job.cancelled_at is not None and now - job.cancelled_at > self._plan.limits.cancel_s:
                job.process.signal_group(signal.SIGKILL)
            reason = job.process.ended()
            if reason is None:
                continue
            code = job.process.exit_code
            self._close(job.process)
            del self._jobs[run]
            self._after_end(job, code, reason, ending)

    def status(self) -> list[dict[str, Any]]:
        """The jobs that run now."""
        return [
            {
                "id": job.run,
                "kind": job.kind,
                "pid": job.process.pid,
                "since": job.since,
                "cancelling": job.cancelled_at is not None,
            }
            for job in self._jobs.values()
        ]

    def _after_end(self, job: JobProcess, code: int | None, reason: str, ending: bool) -> None:
        if code == 0:
            self._events.add("jobs", "ended", f"{job.kind} {job.run} ended")
            return
        fate = "cancelled" if job.cancelled_at is not None else "failed"
        self._events.add("jobs", fate, f"{job.kind} {job.run} {reason}", "warning")
        # It could not write its own end (SIGKILL, for one), so a short process does; an engine
        # that ends leaves that to its next start.
        if not ending:
            arguments = (self._plan.job_module, job.run, "--ended", reason, "--state", fate)
            # Should even that fail, the next start marks the job as interrupted.
            with contextlib.suppress(OSError, ControlError):
                self._closers.append(self._spawn(job.run, arguments))

    def _spawn(self, run: str, arguments: tuple[str, ...]) -> Process:
        path = self._plan.log_path / "jobs" / f"{run}.log"
        limits = self._plan.limits
        keep_newest(path.parent, limits.job_logs - 1, {run, *self._jobs})
        output = Output(path, limits.log_bytes, limits.log_files)
        return Process(arguments, ONE_THREAD, output, self._selector)

    def _close(self, process: Process) -> None:
        process.close()
        process.output.close()
