"""The agent stands still and goes on: the queue overflows by exactly what it cannot hold."""

from __future__ import annotations

from engine.broker.base import CAPACITY
from engine.resilience.base import COMMON, Parameter, Phases, Scenario, Values
from engine.resilience.common import AFTER, BEFORE, RATE, around
from engine.resilience.consumer import COUNT
from engine.resilience.pipeline import Pipeline

TOLERANCE = 0.1


class AgentStalled(Scenario):
    """Stops the consumer for a while."""

    title = "Agent stalled"
    question = "Does the queue overwrite the oldest, and only what it cannot hold, and recover?"
    on_live = True
    parameters = (
        RATE,
        Parameter("stall_s", 5, 0.8, 0.5, 12, "s", "how long it stands still"),
        BEFORE,
        AFTER,
    )
    checkers = (*COMMON, "proofs")

    def load(self, values: Values) -> Phases:
        """A steady rate throughout."""
        return around(values, values["stall_s"])

    def harm(self, pipeline: Pipeline, values: Values) -> None:
        """Stop it, wait, let it go on."""
        broker = pipeline.broker()
        before = broker.counters()
        with pipeline.frozen(pipeline.agent):
            pipeline.wait(values["stall_s"])
            after = broker.counters()
        broker.close()
        if pipeline.live:
            # The load has a consumer of its own there, which must not notice.
            pipeline.prove("overwritten beside the live queue", after.overwritten, 0)
            return
        offered = after.accepted - before.accepted
        wanted = max(0, offered - CAPACITY)
        off = abs(after.overwritten - before.overwritten - wanted)
        pipeline.prove("overwritten more or less than rate x stall - 100", off,
                       COUNT + before.depth + TOLERANCE * offered)  # fmt: skip
        if wanted > COUNT:
            pipeline.prove("free places at its end", CAPACITY - after.depth, 0)
