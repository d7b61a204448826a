"""A slow and narrow network: delays grow by what it adds, and by no more."""

from __future__ import annotations

from engine.resilience.base import Parameter, Phases, Scenario, Values
from engine.resilience.common import AFTER, BEFORE, RATE, around
from engine.resilience.pipeline import Pipeline


class Latency(Scenario):
    """Delays every piece and bounds the bandwidth."""

    title = "Latency and narrow bandwidth"
    question = "Does the queue stay correct on a slow network, and recover when it is fast again?"
    parameters = (
        RATE,
        Parameter("latency_ms", 20, 20, 1, 200, "ms", "added to each direction"),
        Parameter("kbytes_per_s", 500, 500, 50, 10_000, "kB/s", "bandwidth of each direction"),
        Parameter("slow_s", 5, 1.0, 0.5, 20, "s", "how long it is slow"),
        BEFORE,
        AFTER,
    )
    proxied = True

    def load(self, values: Values) -> Phases:
        """A steady rate throughout."""
        return around(values, values["slow_s"])

    def harm(self, pipeline: Pipeline, values: Values) -> None:
        """Slow it down, wait, let it be fast."""
        proxy = pipeline.through
        with pipeline.fault("network slow"):
            proxy.delay_s = values["latency_ms"] / 1000
            proxy.bytes_per_s = values["kbytes_per_s"] * 1000
            try:
                pipeline.wait(values["slow_s"])
            finally:
                proxy.calm()
