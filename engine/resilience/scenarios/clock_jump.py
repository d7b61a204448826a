"""The wall clock is set forth and back: order and delays know nothing of it."""

from __future__ import annotations

from engine.resilience.base import Parameter, Phases, Scenario, Values
from engine.resilience.common import AFTER, BEFORE, RATE, around
from engine.resilience.pipeline import Pipeline


class ClockJump(Scenario):
    """Sets the wall clock of queue, producer and consumer."""

    title = "Clock jump"
    question = "Do delays and order stay right when the wall clock is set forth and back?"
    parameters = (
        RATE,
        Parameter("jump_s", 3600, 3600, 1, 864_000, "s", "how far it jumps, forth and then back"),
        Parameter("pause_s", 3, 0.5, 0.3, 10, "s", "how long the clock stays so"),
        BEFORE,
        AFTER,
    )
    skewed = True

    def load(self, values: Values) -> Phases:
        """A steady rate throughout."""
        return around(values, 2 * values["pause_s"])

    def harm(self, pipeline: Pipeline, values: Values) -> None:
        """Forth, back behind the start, right again."""
        file = pipeline.folder / "skew"
        with pipeline.fault("wall clock wrong"):
            try:
                for offset in (values["jump_s"], -values["jump_s"]):
                    file.write_text(str(offset))
                    pipeline.wait(values["pause_s"])
            finally:
                file.write_text("0")
