"""Parameters that most scenarios share."""

from __future__ import annotations

from engine.resilience.base import Parameter, Phases, Values
from engine.resilience.load import steady

RATE = Parameter(
    "rate", 500, 300, 10, 5000, "/s", "predictions per second, sent whatever the answers take"
)
BEFORE = Parameter("before_s", 3, 0.6, 0.3, 20, "s", "steady time before the fault")
AFTER = Parameter("after_s", 5, 0.8, 0.5, 20, "s", "time after the fault")


def around(values: Values, during_s: float) -> Phases:
    """A steady rate before, during and after a fault."""
    rate = values["rate"]
    return Phases(
        before=(steady(rate, values["before_s"]),),
        during=(steady(rate, during_s),),
        after=(steady(rate, values["after_s"]),),
    )
