"""The queue server is killed: its journal loses nothing that was accepted."""

from __future__ import annotations

from engine.resilience.base import Parameter, Phases, Scenario, Values
from engine.resilience.common import AFTER, BEFORE, RATE, around
from engine.resilience.pipeline import Pipeline


class QueueKilled(Scenario):
    """Kills the queue server several times."""

    title = "Queue server killed"
    question = "Does a killed queue server come back with everything that it had accepted?"
    on_live = True
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
            pipeline.kill("queue")
            pipeline.wait(values["pause_s"])
