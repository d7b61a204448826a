"""The client's log: one line a call at DEBUG, one summary a second at INFO."""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Sequence

log = logging.getLogger("engine.broker.client")

SUMMARY_S = 1.0


Note = tuple[str, float, int, int, int]
"""A call's verb, its seconds, and the records it put, got and overwrote."""


class CallLog:
    """Keeps notes of calls for a second; speaks only when something happened. Thread-safe."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._lock = threading.Lock()
        self._notes: deque[Note] = deque()
        self._talkative = log.isEnabledFor(logging.DEBUG)
        self._since = time.monotonic()
        self._due = self._since + SUMMARY_S

    def note(
        self, verb: str, started: float, put: int = 0, got: int = 0, overwritten: int = 0
    ) -> None:
        """Tell of one finished call; `started` is its monotonic start."""
        now = time.monotonic()
        # Summed up once a second: sums and their lock would cost each call more.
        self._notes.append((verb, now - started, put, got, overwritten))
        if self._talkative:
            ms = (now - started) * 1000
            log.debug("%s %s: put %d, got %d in %.2f ms", self._name, verb, put, got, ms)
        if now >= self._due:
            self._summarise(now)

    def _summarise(self, now: float) -> None:
        with self._lock:
            if now < self._due:
                return
            notes = [self._notes.popleft() for _ in range(len(self._notes))]
            # Asked once a second: asking costs as much as a tenth of a call.
            self._talkative = log.isEnabledFor(logging.DEBUG)
            since, self._since, self._due = self._since, now, now + SUMMARY_S
        if any(note[2] or note[3] for note in notes):
            log.info("Queue %s in %.1f s: %s", self._name, now - since, summary(notes))


def summary(notes: Sequence[Note]) -> str:
    """What some calls moved, how many they were, and how long the slowest took.

    Only puts are timed: a get takes as long as there is nothing to get.
    """
    moved = {
        "put": sum(note[2] for note in notes),
        "got": sum(note[3] for note in notes),
        "overwrote": sum(note[4] for note in notes),
    }
    told = ", ".join(f"{word} {count}" for word, count in moved.items() if count)
    calls = f"{len(notes)} call{'s' if len(notes) > 1 else ''}"
    timed = [note[1] for note in notes if note[0] != "get_many"]
    slowest = f", the slowest put took {1000 * max(timed):.1f} ms" if timed else ""
    return f"{told} in {calls}{slowest}"
