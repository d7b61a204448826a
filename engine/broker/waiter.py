"""A consumer that waits for records, and whoever brings them.

The thread that makes records available writes them to the waiting consumer's socket itself: the
consumer's own thread would first have to be woken, which costs as much as the whole call.
"""

from __future__ import annotations

import threading
from typing import Any, Protocol


class Session(Protocol):
    """One client connection as the queue sees it; leases belong to it."""

    client: str
    generation: str

    def gone(self) -> bool:
        """Whether the client has closed the connection."""

    def deliver(self, answer: object) -> bytes:
        """Write an answer without blocking; returns what did not fit."""


class Delivered:
    """What a call returns whose answer another thread has written, but for `rest`."""

    __slots__ = ("rest",)

    def __init__(self, rest: bytes) -> None:
        self.rest = rest


class Waiter:
    """One blocked get; its queue's lock guards all but the gate."""

    __slots__ = ("_gate", "_rest", "answer", "count", "session")

    def __init__(self, session: Session, count: int) -> None:
        self.session = session
        self.count = count
        self.answer: tuple[Any, ...] | None = None
        self._rest: bytes | None = None
        self._gate = threading.Lock()
        self._gate.acquire()

    def wait(self, seconds: float) -> bool:
        """Wait without the queue's lock; True when somebody delivered."""
        return self._gate.acquire(timeout=seconds)

    def deliver(self) -> None:
        """Write the answer, then let the waiting thread go; without the queue's lock."""
        try:
            self._rest = self.session.deliver(self.answer)
        except OSError:
            self._rest = None
        finally:
            self._gate.release()

    def finished(self) -> Delivered:
        """Wait until the answer is written; raises EOFError when the client is gone."""
        self._gate.acquire()
        return self.outcome()

    def outcome(self) -> Delivered:
        """What the deliverer left; raises EOFError when the client is gone."""
        if self._rest is None:
            raise EOFError
        return Delivered(self._rest)
