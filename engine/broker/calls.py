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
        self._since = time.monotonic()
        self._put = self._got = self._overwritten = self._calls = 0
        self._slowest_ms = 0.0

    def note(
        self, verb: str, started: float, put: int = 0, got: int = 0, overwritten: int = 0
    ) -> None:
        """Tell of one finished call; `started` is its monotonic start."""
        now = time.monotonic()
        took_ms = (now - started) * 1000
        if log.isEnabledFor(logging.DEBUG):
            log.debug("%s %s: put %d, got %d in %.2f ms", self._name, verb, put, got, took_ms)
        with self._lock:
            self._calls += 1
            self._put += put
            self._got += got
            self._overwritten += overwritten
            if verb != "get_many" and took_ms > self._slowest_ms:
                self._slowest_ms = took_ms
            if now - self._since >= SUMMARY_S:
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
                self._slowest_ms,
            )
        self._since = now
        self._put = self._got = self._overwritten = self._calls = 0
        self._slowest_ms = 0.0
