"""Many readers at once, each time on a connection of their own, as a dashboard's reruns are.

No dashboard and no browser takes part: what is judged is the queue's server, not what pages cost.
"""

from __future__ import annotations

import threading
import time
from pathlib import Path

from engine.errors import BrokerError
from engine.resilience.base import COMMON, Parameter, Phases, Scenario, Untestable, Values
from engine.resilience.common import AFTER, BEFORE, RATE, around
from engine.resilience.pipeline import Pipeline

READERS = 8
SPARE = 3
"""Threads that the server may have more than before, of whoever connects just then."""

SETTLE_S = 3.0


class PageStorm(Scenario):
    """Makes the reads of fast-reloading pages, without the pages."""

    title = "Page storm"
    question = (
        "Do the reads of pages that reload all the time slow the queue, or leave threads in it?"
    )
    parameters = (
        RATE,
        Parameter("reloads", 50, 40, 1, 200, "/s", "reloads per second over all pages"),
        Parameter("storm_s", 8, 1.0, 0.5, 20, "s", "how long it lasts"),
        BEFORE,
        AFTER,
    )
    checkers = (*(name for name in COMMON if name != "recovery"), "proofs")

    def load(self, values: Values) -> Phases:
        """A steady rate throughout."""
        return around(values, values["storm_s"])

    def harm(self, pipeline: Pipeline, values: Values) -> None:
        """Reload, then see that the server has as many threads as before."""
        pid = pipeline.victim("queue")
        before = threads_of(pid)
        over = threading.Event()
        refused: list[str] = []

        def page() -> None:
            while not over.wait(READERS / values["reloads"]):
                broker = pipeline.broker(2.0, "page")
                try:
                    broker.counters()
                    broker.samples(0)
                    broker.peek(20)
                except BrokerError as error:
                    refused.append(str(error))
                broker.close()

        pages = [threading.Thread(target=page) for _ in range(READERS)]
        pipeline.struck("pages reload")
        for one in pages:
            one.start()
        try:
            pipeline.wait(values["storm_s"])
        finally:
            over.set()
            for one in pages:
                one.join()
        end = time.monotonic() + SETTLE_S
        while threads_of(pid) > before + SPARE and time.monotonic() < end:
            pipeline.wait(0.1)
        pipeline.prove("reads that were refused", len(refused), 0)
        pipeline.prove("threads left in the server", threads_of(pid) - before, SPARE)


def threads_of(pid: int) -> int:
    """How many threads a process has.

    Raises:
        Untestable: this system does not tell.
    """
    try:
        return len(list(Path(f"/proc/{pid}/task").iterdir()))
    except OSError:
        raise Untestable("This machine does not tell a process's threads.") from None
