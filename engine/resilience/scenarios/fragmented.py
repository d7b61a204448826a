"""Messages arrive in pieces of a few bytes: frames must be put together whatever their cuts."""

from __future__ import annotations

from engine.resilience.base import Parameter, Phases, Scenario, Values
from engine.resilience.common import AFTER, BEFORE, around
from engine.resilience.pipeline import Pipeline


class Fragmented(Scenario):
    """Slices every message."""

    title = "Tiny fragmented writes"
    question = "Are messages read right when they arrive a few bytes at a time?"
    parameters = (
        Parameter("rate", 200, 150, 10, 1000, "/s", "predictions per second"),
        Parameter("piece_bytes", 7, 7, 1, 1000, "bytes", "largest piece"),
        Parameter("sliced_s", 5, 1.0, 0.5, 20, "s", "how long it lasts"),
        BEFORE,
        AFTER,
    )
    proxied = True

    def load(self, values: Values) -> Phases:
        """A steady rate throughout."""
        return around(values, values["sliced_s"])

    def harm(self, pipeline: Pipeline, values: Values) -> None:
        """Slice, wait, stop."""
        proxy = pipeline.through
        with pipeline.fault("messages sliced"):
            proxy.piece = int(values["piece_bytes"])
            try:
                pipeline.wait(values["sliced_s"])
            finally:
                proxy.calm()
