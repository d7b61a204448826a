"""What happened to the services: a bounded, numbered list; the collector copies it to the store."""

from __future__ import annotations

import secrets
import time
from collections import deque
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

KEPT = 1000
MAX_MESSAGE = 400


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened; the columns of the table `events`, `at` in wall seconds."""

    sequence: int
    at: float
    service: str
    level: str
    kind: str
    message: str


class EventLog:
    """Events of one engine's life, numbered from 1; `writer` names that life."""

    def __init__(self, say: Callable[[Event], None]) -> None:
        self.writer = f"engine-{secrets.token_hex(8)}"
        self._say = say
        self._events: deque[Event] = deque(maxlen=KEPT)
        self._next = 1

    def add(self, service: str, kind: str, message: str, level: str = "info") -> None:
        """Record one event and say it."""
        event = Event(self._next, time.time(), service, level, kind, message[:MAX_MESSAGE])
        self._next += 1
        self._events.append(event)
        self._say(event)

    def after(self, sequence: int, limit: int = 500) -> dict[str, Any]:
        """The events numbered above `sequence`, oldest first, and the newest number."""
        rows = [asdict(e) for e in self._events if e.sequence > sequence][:limit]
        return {"writer": self.writer, "events": rows, "newest": self._next - 1}
