"""Replaying recorded predictions into a queue, and watching that queue until it is done.

The replayer waits for a free place, so that every configuration gets every prediction in the same
order; only where overload is what is studied does it keep its pace and let the queue overwrite.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence

import msgspec

from engine.broker.base import CAPACITY, Broker, Counters, Message
from engine.errors import BrokerError
from engine.records import Prediction

POLL_S = 0.003
WATCH_S = 0.02


class Replayer(threading.Thread):
    """Puts predictions on a queue, the oldest first.

    Args:
        broker: the queue; this thread's own.
        predictions: in order.
        pause_ms: None: wait for free places; else the pause between two predictions, come what may.
        stopping: ends it.
    """

    def __init__(
        self,
        broker: Broker,
        predictions: Sequence[Prediction],
        pause_ms: float | None,
        stopping: threading.Event,
    ) -> None:
        super().__init__(name="replayer", daemon=True)
        self._broker = broker
        self._predictions = predictions
        self._pause_ms = pause_ms
        self._stopping = stopping
        self.sent = 0
        self.done = False
        self.error = ""

    def run(self) -> None:
        """Put everything."""
        try:
            if self._pause_ms is None:
                self._by_places()
            else:
                self._by_pace(self._pause_ms / 1000.0)
        except BrokerError as error:
            self.error = str(error)
        self.done = True

    def _by_places(self) -> None:
        free = CAPACITY - self._broker.counters().depth
        while self.sent < len(self._predictions) and not self._stopping.is_set():
            if not free:
                self._stopping.wait(POLL_S)
                free = CAPACITY - self._broker.counters().depth
                continue
            part = self._predictions[self.sent : self.sent + free]
            reply = self._broker.put_many([self._message(one) for one in part])
            self.sent += len(part)
            free = CAPACITY - reply.counters.depth

    def _by_pace(self, pause_s: float) -> None:
        due = time.monotonic()
        for one in self._predictions:
            if self._stopping.wait(max(0.0, due - time.monotonic())):
                return
            self._broker.put_many([self._message(one)])
            self.sent += 1
            due += pause_s

    def _message(self, one: Prediction) -> Message:
        return Message(one.id, msgspec.json.encode(one), time.monotonic_ns())


class Monitor(threading.Thread):
    """Watches a queue and says when every prediction has ended.

    Args:
        broker: the queue; this thread's own.
        replayer: that fills it.
        stopping: ends it.
    """

    def __init__(self, broker: Broker, replayer: Replayer, stopping: threading.Event) -> None:
        super().__init__(name="monitor", daemon=True)
        self._broker = broker
        self._replayer = replayer
        self._stopping = stopping
        self.depth_max = 0
        self.last: Counters | None = None
        self.finished = threading.Event()
        self.error = ""

    def run(self) -> None:
        """Look until all is done."""
        try:
            while not self._stopping.wait(WATCH_S):
                complete = self._replayer.done  # before the counters: they must include its last
                self.last = self._broker.counters()
                self.depth_max = max(self.depth_max, self.last.depth)
                if complete and not self.last.depth:
                    break
        except BrokerError as error:
            self.error = str(error)
        self.finished.set()
