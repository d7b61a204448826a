"""All processes share one core with others that spin: slower, yet correct, and nobody is killed."""

from __future__ import annotations

import contextlib
import os

from engine.resilience.base import COMMON, Parameter, Phases, Scenario, Untestable, Values
from engine.resilience.common import AFTER, BEFORE, around
from engine.resilience.pipeline import Pipeline
from engine.resilience.planning import helper
from engine.services import Service

SPINNERS = ("spinner1", "spinner2")


class CpuSqueeze(Scenario):
    """Pins the pipeline and two spinning processes to one core."""

    title = "CPU squeeze"
    question = "Does the pipeline stay correct on a fraction of a core, without false alarms?"
    parameters = (
        Parameter("rate", 300, 200, 10, 2000, "/s", "predictions per second"),
        Parameter("squeeze_s", 8, 1.2, 0.5, 20, "s", "how long it lasts"),
        BEFORE,
        AFTER,
    )
    checkers = (*COMMON, "proofs")

    def services(self, pipeline: Pipeline) -> tuple[Service, ...]:
        """The processes that spin."""
        module = "engine.resilience.faults.spinner"
        return tuple(helper(pipeline, module, name) for name in SPINNERS)

    def load(self, values: Values) -> Phases:
        """A steady rate throughout."""
        return around(values, values["squeeze_s"])

    def harm(self, pipeline: Pipeline, values: Values) -> None:
        """Pin, spin, let go.

        Raises:
            Untestable: this system pins no process to a core.
        """
        if not hasattr(os, "sched_setaffinity"):
            raise Untestable("This machine cannot pin a process to one core.")
        cores = os.sched_getaffinity(0)
        pids = [s["pid"] for s in pipeline.status() if s["pid"]]
        spin = pipeline.folder / "spin"
        with pipeline.fault("one core for all"):
            _pin(pids, {min(cores)})
            spin.touch()
            try:
                pipeline.wait(values["squeeze_s"])
            finally:
                spin.unlink()
                _pin(pids, cores)
        restarts = sum(s["restarts"] for s in pipeline.status())
        pipeline.prove("processes replaced", restarts, 0)


def _pin(pids: list[int], cores: set[int]) -> None:
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.sched_setaffinity(pid, cores)
