"""A service ends at every start: it is given up in time, and the others do not notice."""

from __future__ import annotations

import time

from engine.resilience.base import COMMON, Parameter, Phases, Scenario, Values
from engine.resilience.common import AFTER, BEFORE, RATE, around
from engine.resilience.pipeline import Pipeline
from engine.resilience.planning import helper
from engine.services import Service

GIVEN_UP_S = 8.0
LASTS_S = 2.5


class CrashLoop(Scenario):
    """Breaks a service of its own for good."""

    title = "Crash loop"
    question = "Is a service that ends at every start given up, while the others go on?"
    parameters = (RATE, BEFORE, Parameter("after_s", 5, 0.8, 0.5, 20, "s", AFTER.help))
    checkers = (*(name for name in COMMON if name != "recovery"), "proofs")
    starts = 3

    def services(self, pipeline: Pipeline) -> tuple[Service, ...]:
        """The service that will break."""
        return (helper(pipeline, "engine.resilience.faults.crasher", "crasher"),)

    def load(self, values: Values) -> Phases:
        """A steady rate throughout."""
        return around(values, LASTS_S)

    def harm(self, pipeline: Pipeline, values: Values) -> None:
        """Break it, wait until it is given up, look at the others."""
        _ = values
        (pipeline.folder / "broken").touch()
        pipeline.struck("a service breaks")
        begun = time.monotonic()
        pipeline.wait_until(
            lambda: (pipeline.service("crasher") or {}).get("state") == "failed",
            2 * GIVEN_UP_S,
            "the supervisor to give the service up",
        )
        pipeline.prove("seconds until it was given up", time.monotonic() - begun, GIVEN_UP_S)
        others = [s for s in pipeline.status() if s["name"] != "crasher"]
        pipeline.prove("restarts of the others", sum(s["restarts"] for s in others), 0)
