"""The client's log: one line a call at DEBUG, one summary a second at INFO."""

from __future__ import annotations

import logging
import threading
import time

log = logging.getLogger("engine.broker.client")

SUMMARY_S = 1.0


class CallLog:
    """Counts calls and records; speaks only when something happened. Thread-safe."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._lock = threading.Lock()
        self._slowest_s = 0.0
        self._begin(time.monotonic())

    def note(
        self, verb: str, started: float, put: int = 0, got: int = 0, overwritten: int = 0
    ) -> None:
        """Tell of one finished call; `started` is its monotonic start."""
        now = time.monotonic()
        took_s = now - started
        if self._talkative:
            ms = took_s * 1000
            log.debug("%s %s: put %d, got %d in %.2f ms", self._name, verb, put, got, ms)
        with self._lock:
            self._calls += 1
            self._put += put
            self._got += got
            self._overwritten += overwritten
            if took_s > self._slowest_s and verb != "get_many":
                self._slowest_s = took_s
            if now >= self._due:
                self._summarise(now)

    def _summarise(self, now: float) -> None:
        if self._put or self._got:
            log.info(
                "Queue %s in %.1f s: put %d, got %d, overwritten %d, %d calls, slowest %.1f ms",
                self._name,
                now - self._since,
                self._put,
                self._got,
                self._overwritten,
                self._calls,
                self._slowest_s * 1000,
            )
        self._begin(now)

    def _begin(self, now: float) -> None:
        self._since = now
        self._due = now + SUMMARY_S
        # Asked once a second: asking costs as much as a tenth of a call.
        self._talkative = log.isEnabledFor(logging.DEBUG)
        self._put = self._got = self._overwritten = self._calls = 0
        self._slowest_s = 0.0
