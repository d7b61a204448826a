"""Connections break with RST and new ones are refused for a while."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from engine.resilience.base import Parameter, Phases, Scenario, Values
from engine.resilience.common import AFTER, BEFORE, RATE, around
from engine.resilience.pipeline import Pipeline


class ConnectionReset(Scenario):
    """The network is down, then back."""

    title = "Connection reset"
    question = "Do clients reconnect by themselves, without losing or doubling a record?"
    parameters = (
        RATE,
        Parameter("down_s", 3, 0.5, 0.1, 10, "s", "how long new connections are refused"),
        BEFORE,
        AFTER,
    )
    limits: ClassVar[Mapping[str, float]] = {"recovery_s": 2.0}
    proxied = True

    def load(self, values: Values) -> Phases:
        """A steady rate throughout."""
        return around(values, values["down_s"])

    def harm(self, pipeline: Pipeline, values: Values) -> None:
        """Break all connections, refuse new ones, serve again."""
        proxy = pipeline.through
        with pipeline.fault("connections reset and refused"):
            proxy.reset(refuse=True)
            try:
                pipeline.wait(values["down_s"])
            finally:
                proxy.calm()
