"""The load rises until the queue overwrites: names the rate that it still carries."""

from __future__ import annotations

from engine.resilience.base import COMMON, Parameter, Phases, Scenario, Values
from engine.resilience.common import AFTER, BEFORE
from engine.resilience.facts import NS
from engine.resilience.load import Step, steady
from engine.resilience.pipeline import Pipeline


class Ramp(Scenario):
    """Raises the rate step by step."""

    title = "Ramp to saturation"
    question = "At which rate does this machine begin to overwrite or to fall behind?"
    parameters = (
        Parameter("rate", 500, 500, 50, 5000, "/s", "the first rate"),
        Parameter("times", 1.6, 2.0, 1.1, 4, "x", "each step is so many times the one before"),
        Parameter("steps", 8, 4, 2, 12, "", "how many steps"),
        Parameter("step_s", 3, 0.5, 0.3, 10, "s", "how long each step lasts"),
        BEFORE,
        AFTER,
    )
    checkers = (*(name for name in COMMON if name != "recovery"), "proofs")

    def load(self, values: Values) -> Phases:
        """Steady, the steps, steady."""
        first = values["rate"]
        return Phases(
            (steady(first, values["before_s"]),), self._steps(values),
            (steady(first, values["after_s"]),),
        )  # fmt: skip

    def harm(self, pipeline: Pipeline, values: Values) -> None:
        """See during each step whether something was overwritten in it."""
        broker = pipeline.broker()
        pipeline.struck("the rate rises")
        knee, lost = 0.0, broker.counters().overwritten
        end = pipeline.begin + int(values["before_s"] * NS)
        for step in self._steps(values):
            end += int(step.count * step.pause_s * NS)
            pipeline.wait_to(end)
            now = broker.counters().overwritten
            if now == lost:
                knee = 1 / step.pause_s
            elif knee:
                break
            lost = now
        broker.close()
        pipeline.note(f"carried {knee:.0f}/s without overwriting")
        pipeline.prove(f"the first rate minus the {knee:.0f}/s carried", values["rate"] - knee, 0)

    def _steps(self, values: Values) -> tuple[Step, ...]:
        return tuple(
            steady(values["rate"] * values["times"] ** n, values["step_s"])
            for n in range(int(values["steps"]))
        )
