"""The engine itself is killed: nothing of it survives, and its next life knows everything."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import ClassVar

from engine.resilience.base import COMMON, Parameter, Phases, Scenario, Values
from engine.resilience.common import AFTER, BEFORE, RATE, around
from engine.resilience.pipeline import Pipeline
from engine.resilience.sweeping import is_gone

GONE_S = 2.0
UP_S = 2.5


class EngineKilled(Scenario):
    """Kills the supervisor and starts another on the same folders."""

    title = "Engine killed"
    question = "Do all processes end with a killed engine, and does the next one lose nothing?"
    parameters = (
        RATE,
        Parameter("kills", 2, 1, 1, 4, "times", "how often it is killed"),
        BEFORE,
        AFTER,
    )
    checkers = (*COMMON, "proofs")
    limits: ClassVar[Mapping[str, float]] = {"recovery_s": GONE_S + UP_S}

    def load(self, values: Values) -> Phases:
        """A steady rate throughout."""
        return around(values, values["kills"] * (GONE_S + UP_S) / 2)

    def harm(self, pipeline: Pipeline, values: Values) -> None:
        """Kill it, see that all are gone, start anew."""
        for _ in range(int(values["kills"])):
            children = [s["pid"] for s in pipeline.status() if s["pid"]]
            children.append(pipeline.victim("queue"))
            pipeline.kill_supervisor()
            begun = time.monotonic()
            alive = [pid for pid in children if not is_gone(pid, GONE_S + 1)]
            took = time.monotonic() - begun
            pipeline.prove("processes that outlived it", len(alive), 0)
            pipeline.prove("seconds until all were gone", took, GONE_S)
            pipeline.start()
