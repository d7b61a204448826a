"""The queue server hangs without dying: the supervisor notices by its silence and replaces it."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import ClassVar

from engine.resilience.base import COMMON, Parameter, Phases, Scenario, Values
from engine.resilience.common import AFTER, BEFORE, RATE, around
from engine.resilience.pipeline import Pipeline

HEARTBEAT_S = 2.0
SLACK_S = 0.5
PATIENCE_S = 20.0
"""How long the test waits before it breaks off; what is late is judged, not given up."""


class QueueFrozen(Scenario):
    """Stops the queue server for longer than its heartbeat may be missing."""

    title = "Queue server frozen"
    question = "Is a hung queue server noticed within its heartbeat and replaced without loss?"
    parameters = (
        RATE,
        Parameter("times", 2, 1, 1, 4, "times", "how often it freezes"),
        BEFORE,
        AFTER,
    )
    checkers = (*COMMON, "proofs")
    limits: ClassVar[Mapping[str, float]] = {"recovery_s": HEARTBEAT_S + SLACK_S + 1.5}
    hang_s = HEARTBEAT_S

    def load(self, values: Values) -> Phases:
        """A steady rate throughout."""
        return around(values, values["times"] * (HEARTBEAT_S + SLACK_S + 0.5))

    def harm(self, pipeline: Pipeline, values: Values) -> None:
        """Stop it and see how long it takes until somebody kills it."""
        for _ in range(int(values["times"])):
            pid = pipeline.pid("queue")
            with pipeline.frozen("queue"):
                begun = time.monotonic()
                pipeline.wait_until(
                    lambda pid=pid: pipeline.service_pid("queue") != pid,  # type: ignore[misc]
                    PATIENCE_S,
                    "the supervisor to notice",
                )
                noticed = time.monotonic() - begun
            pipeline.prove("seconds until it was noticed", noticed, HEARTBEAT_S + SLACK_S)
            pipeline.pid("queue")
            pipeline.wait(0.5)
