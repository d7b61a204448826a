"""Nothing is broken: what the others are compared with."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from engine.resilience.base import COMMON, Parameter, Phases, Scenario, Values
from engine.resilience.common import RATE
from engine.resilience.load import steady
from engine.resilience.pipeline import Pipeline


class Control(Scenario):
    """A steady load and no fault."""

    title = "Control"
    question = "Does everything arrive, in order and soon, while nothing is wrong?"
    on_live = True
    parameters = (RATE, Parameter("seconds", 20, 1.5, 1, 55, "s", "how long it lasts"))
    checkers = (*(name for name in COMMON if name not in {"recovery"}), "proofs")
    limits: ClassVar[Mapping[str, float]] = {"faults": 0}

    def load(self, values: Values) -> Phases:
        """A third of the time for each phase."""
        part = (steady(values["rate"], values["seconds"] / 3),)
        return Phases(part, part, part)

    def harm(self, pipeline: Pipeline, values: Values) -> None:
        """Leave it alone."""

    def look_back(self, pipeline: Pipeline, values: Values) -> None:
        """At a rate far below its limit the queue overwrites nothing."""
        _ = values
        broker = pipeline.broker()
        pipeline.prove("overwritten", broker.counters().overwritten, 0)
        broker.close()
