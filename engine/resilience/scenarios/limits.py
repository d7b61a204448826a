"""The queue server runs out of file handles, file size and memory: it refuses, and recovers."""

from __future__ import annotations

import contextlib
import resource
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from engine.errors import BrokerError
from engine.resilience.base import COMMON, Parameter, Phases, Scenario, Untestable, Values
from engine.resilience.common import AFTER, BEFORE, RATE, around
from engine.resilience.pipeline import Pipeline

CLIENTS = 20
REPLY_S = 0.1
BREATH_S = 0.1
"""Between two limits, so that what recovers from one does not meet the next at once."""


class Limits(Scenario):
    """Lowers the limits of the running server one after the other, and restores them."""

    title = "Memory, file and disk limits"
    question = "Does the queue server survive the end of handles, file space and memory?"
    parameters = (
        RATE,
        Parameter("limit_s", 2, 0.35, 0.3, 8, "s", "how long each limit lasts"),
        BEFORE,
        AFTER,
    )
    checkers = (*COMMON, "proofs")

    def load(self, values: Values) -> Phases:
        """A steady rate throughout."""
        return around(values, 3 * (values["limit_s"] + BREATH_S) + 0.5)

    def harm(self, pipeline: Pipeline, values: Values) -> None:
        """Handles (with clients that want some), then file size, then memory."""
        pid = pipeline.victim("queue")
        handles = len(list(Path(f"/proc/{pid}/fd").iterdir())) if Path("/proc").is_dir() else 0
        with limited(pipeline, pid, "no more file handles", resource.RLIMIT_NOFILE, handles):
            begun = time.monotonic()
            with ThreadPoolExecutor(CLIENTS) as clients:  # each may be kept waiting for a reply
                clients.map(lambda number: ask(pipeline, f"limit-{number}"), range(CLIENTS))
            pipeline.wait(max(0.0, values["limit_s"] - (time.monotonic() - begun)))
        with limited(pipeline, pid, "no more file space", resource.RLIMIT_FSIZE, 0):
            pipeline.wait(values["limit_s"])
        memory = int(Path(f"/proc/{pid}/statm").read_text().split()[0]) * resource.getpagesize()
        with limited(pipeline, pid, "no more memory", resource.RLIMIT_AS, memory):
            pipeline.wait(values["limit_s"])
        pipeline.prove("server replaced", pipeline.victim("queue") != pid, 0)


def ask(pipeline: Pipeline, client: str) -> None:
    """Ask the queue something over a connection of its own, answered or not."""
    broker = pipeline.broker(REPLY_S, client)
    with contextlib.suppress(BrokerError):
        broker.counters()
    broker.close()


@contextlib.contextmanager
def limited(pipeline: Pipeline, pid: int, words: str, kind: int, limit: int) -> Iterator[None]:
    """Lower one soft limit of a running process for the time of the block.

    Raises:
        Untestable: this system cannot change another process's limits.
    """
    if not hasattr(resource, "prlimit"):
        raise Untestable("This machine cannot change the limits of a running process.")
    soft, hard = resource.prlimit(pid, kind)
    with pipeline.fault(words):
        resource.prlimit(pid, kind, (limit, hard))
        try:
            yield
        finally:
            with contextlib.suppress(ProcessLookupError):
                resource.prlimit(pid, kind, (soft, hard))
    pipeline.wait(BREATH_S)
