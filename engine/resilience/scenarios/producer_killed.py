"""The producer is killed in the middle of calls: its next life goes on where it stood."""

from __future__ import annotations

from engine.resilience.base import Parameter, Phases, Scenario, Values
from engine.resilience.common import AFTER, BEFORE, RATE, around
from engine.resilience.pipeline import Pipeline


class ProducerKilled(Scenario):
    """Kills the producer several times."""

    title = "Producer killed"
    question = "Does a restarted producer lose nothing, put nothing twice and keep its order?"
    parameters = (
        RATE,
        Parameter("kills", 3, 1, 1, 8, "times", "how often it is killed"),
        Parameter("pause_s", 3, 1.2, 1, 10, "s", "time between the kills"),
        BEFORE,
        AFTER,
    )

    def load(self, values: Values) -> Phases:
        """A steady rate throughout."""
        return around(values, values["kills"] * values["pause_s"])

    def harm(self, pipeline: Pipeline, values: Values) -> None:
        """Kill it again and again."""
        for _ in range(int(values["kills"])):
            pipeline.kill("producer")
            pipeline.wait(values["pause_s"])
