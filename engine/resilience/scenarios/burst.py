"""The classic high-load test: N predictions with a chosen pause between them."""

from __future__ import annotations

from engine.broker.base import CAPACITY
from engine.resilience.base import COMMON, Parameter, Phases, Scenario, Values
from engine.resilience.common import AFTER, BEFORE, RATE
from engine.resilience.load import Step, steady
from engine.resilience.pipeline import Pipeline

LEAD_S = 1.5
"""Time to work off the burst, whose own intended time may be nothing."""


class Burst(Scenario):
    """Sends a burst on top of a steady beginning."""

    title = "Burst"
    question = "What does the queue do with N predictions, one every so many milliseconds?"
    on_live = True
    parameters = (
        Parameter("count", 20_000, 3_000, 100, 100_000, "", "predictions in the burst"),
        Parameter("pause_ms", 0, 0, 0, 50, "ms", "between two of them; 0 is as fast as it goes"),
        Parameter("batch", 10, 10, 1, 100, "", "predictions in one call, when it is behind"),
        RATE,
        BEFORE,
        AFTER,
    )
    checkers = (*(name for name in COMMON if name != "recovery"), "proofs")

    def load(self, values: Values) -> Phases:
        """The burst between two steady times."""
        burst = Step(int(values["count"]), values["pause_ms"] / 1000, int(values["batch"]))
        return Phases(
            (steady(values["rate"], values["before_s"]),),
            (burst, Step(0, 0.0, lead_s=LEAD_S)),
            (steady(values["rate"], values["after_s"]),),
        )

    def harm(self, pipeline: Pipeline, values: Values) -> None:
        """The load is the fault."""
        pipeline.struck(f"burst of {values['count']:.0f}")

    def look_back(self, pipeline: Pipeline, values: Values) -> None:
        """What the ring holds is never overwritten."""
        _ = values
        broker = pipeline.broker()
        counters = broker.counters()
        broker.close()
        pipeline.prove("overwritten", counters.overwritten, max(0, counters.accepted - CAPACITY))
