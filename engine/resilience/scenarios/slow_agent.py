"""The agent takes long for each prediction: the ring stays full, and its end stays fresh."""

from __future__ import annotations

from engine.broker.base import CAPACITY
from engine.resilience.base import COMMON, Parameter, Phases, Scenario, Values
from engine.resilience.common import AFTER, BEFORE, RATE, around
from engine.resilience.pipeline import Pipeline

FREE = 3
"""Places that an acknowledgement has just made, and the next put has not filled yet."""


class SlowAgent(Scenario):
    """Lets the consumer work on each record."""

    title = "Slow agent"
    question = "Does a slow agent get the newest predictions, none older than a full ring?"
    parameters = (
        RATE,
        Parameter("work_ms", 20, 20, 1, 100, "ms", "how long it works on each"),
        Parameter("slow_s", 6, 1.2, 0.8, 20, "s", "how long it is slow"),
        BEFORE,
        AFTER,
    )
    checkers = (*COMMON, "proofs")

    def load(self, values: Values) -> Phases:
        """A steady rate throughout."""
        return around(values, values["slow_s"])

    def harm(self, pipeline: Pipeline, values: Values) -> None:
        """Slow it down, look at the ring, let it be quick."""
        pace = pipeline.folder / "pace"
        broker = pipeline.broker()
        with pipeline.fault("agent slow"):
            pace.write_text(str(values["work_ms"] / 1000))
            try:
                pipeline.wait(values["slow_s"])
                depth = broker.counters().depth
            finally:
                pace.write_text("0")
        broker.close()
        surplus = values["rate"] - 1000 / values["work_ms"]
        if surplus * values["slow_s"] > 2 * CAPACITY:
            pipeline.prove("free places while it was slow", CAPACITY - depth, FREE)
