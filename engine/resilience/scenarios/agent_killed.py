"""The agent is killed with records in its hands: they come again, and soon."""

from __future__ import annotations

from engine.resilience.base import Parameter, Phases, Scenario, Values
from engine.resilience.common import AFTER, BEFORE, RATE, around
from engine.resilience.pipeline import Pipeline


class AgentKilled(Scenario):
    """Kills the consumer several times."""

    title = "Agent killed"
    question = "Is what a killed agent held handed out again, in order, and nothing twice?"
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
            pipeline.kill(pipeline.agent)
            pipeline.wait(values["pause_s"])
