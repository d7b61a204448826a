"""Hundreds of clients connect in the same moment."""

from __future__ import annotations

import threading
import time

from engine.errors import BrokerError
from engine.resilience.base import COMMON, Parameter, Phases, Scenario, Values
from engine.resilience.common import AFTER, BEFORE, RATE, around
from engine.resilience.pipeline import Pipeline

ALL_S = 3.0
REPLY_S = 10.0


class ReconnectStorm(Scenario):
    """Connects many clients at once, on top of the load."""

    title = "Reconnect storm"
    question = "Is everyone served soon when all clients connect at once?"
    on_live = True
    parameters = (
        RATE,
        Parameter("clients", 300, 200, 10, 1000, "", "clients that connect at once"),
        BEFORE,
        AFTER,
    )
    checkers = (*(name for name in COMMON if name != "recovery"), "proofs")

    def load(self, values: Values) -> Phases:
        """A steady rate throughout."""
        return around(values, ALL_S)

    def harm(self, pipeline: Pipeline, values: Values) -> None:
        """Let all threads connect at a common signal, and count who was answered."""
        served: list[float] = []
        go = threading.Event()

        def connect(number: int) -> None:
            broker = pipeline.broker(REPLY_S, f"storm-{number}")
            go.wait()
            begun = time.monotonic()
            try:
                broker.counters()
            except BrokerError:
                return
            served.append(time.monotonic() - begun)
            broker.close()

        count = int(values["clients"])
        threads = [threading.Thread(target=connect, args=(n,)) for n in range(count)]
        for thread in threads:
            thread.start()
        pipeline.struck(f"{count} clients connect")
        go.set()
        for thread in threads:
            thread.join()
        pipeline.prove("clients not served", count - len(served), 0)
        pipeline.prove("seconds until the last was served", max(served, default=REPLY_S), ALL_S)
