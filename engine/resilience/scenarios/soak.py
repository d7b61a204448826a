"""A random mix of faults, drawn from a seed: the same seed brings the same faults again."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from typing import ClassVar

from engine.resilience.base import Parameter, Phases, Scenario, Values
from engine.resilience.common import AFTER, BEFORE, RATE, around
from engine.resilience.pipeline import Pipeline

SHORTEST_S, LONGEST_S = 0.5, 2.0
"""Between two faults."""

STALL_S = 0.4


class Soak(Scenario):
    """Kills, freezes, cuts and resets in random order."""

    title = "Soak"
    question = "Does the pipeline stay correct under one fault after the other?"
    parameters = (
        RATE,
        Parameter("seed", 1, 1, 0, 1_000_000, "", "of the random order"),
        Parameter("soak_s", 40, 2.0, 1, 50, "s", "how long it lasts"),
        BEFORE,
        AFTER,
    )
    proxied = True
    limits: ClassVar[Mapping[str, float]] = {"recovery_s": 3.0}

    def load(self, values: Values) -> Phases:
        """A steady rate throughout."""
        return around(values, values["soak_s"])

    def harm(self, pipeline: Pipeline, values: Values) -> None:
        """One fault after the other until the time is over."""
        drawn = random.Random(int(values["seed"]))  # noqa: S311 - a test's order is no secret
        left = values["soak_s"]
        while True:
            pause = drawn.uniform(SHORTEST_S, LONGEST_S)
            if pause + STALL_S > left:
                break
            drawn.choice(FAULTS)(pipeline)
            pipeline.wait(pause)
            left -= pause + STALL_S


def _kill(name: str) -> Callable[[Pipeline], None]:
    def fault(pipeline: Pipeline) -> None:
        pipeline.kill(name)

    return fault


def _freeze(name: str) -> Callable[[Pipeline], None]:
    def fault(pipeline: Pipeline) -> None:
        with pipeline.frozen(name):
            pipeline.wait(STALL_S)

    return fault


def _cut(pipeline: Pipeline) -> None:
    with pipeline.fault("connection cut"):
        pipeline.through.flows.clear()
        try:
            pipeline.wait(STALL_S)
        finally:
            pipeline.through.calm()


def _reset(pipeline: Pipeline) -> None:
    pipeline.through.reset(refuse=False)
    pipeline.struck("connections reset")


FAULTS: tuple[Callable[[Pipeline], None], ...] = (
    _kill("consumer"), _kill("producer"), _kill("queue"), _freeze("consumer"), _freeze("queue"),
    _cut, _reset,
)  # fmt: skip
