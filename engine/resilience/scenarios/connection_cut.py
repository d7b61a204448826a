"""Bytes stop flowing while every connection stays open: calls end at their deadline."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from engine.resilience.base import Parameter, Phases, Scenario, Values
from engine.resilience.common import AFTER, BEFORE, RATE, around
from engine.resilience.pipeline import Pipeline


class ConnectionCut(Scenario):
    """A black hole between the clients and the queue."""

    title = "Connection cut"
    question = "Do calls into silence end at their deadline, and is everything put once afterwards?"
    parameters = (
        RATE,
        Parameter("cut_s", 4, 0.8, 0.3, 15, "s", "how long nothing passes"),
        BEFORE,
        AFTER,
    )
    limits: ClassVar[Mapping[str, float]] = {"recovery_s": 2.5}
    proxied = True

    def load(self, values: Values) -> Phases:
        """A steady rate throughout."""
        return around(values, values["cut_s"])

    def harm(self, pipeline: Pipeline, values: Values) -> None:
        """Stop the bytes, wait, let them pass."""
        proxy = pipeline.through
        with pipeline.fault("connection cut"):
            proxy.flows.clear()
            try:
                pipeline.wait(values["cut_s"])
            finally:
                proxy.calm()
