"""A consumer that waits for records, and whoever brings them.

The thread that makes records available writes them to the waiting consumer's socket itself: the
consumer's own thread would first have to be woken, which costs as much as the whole call. That
thread meanwhile listens to the socket, so that it learns of a consumer that goes away.
"""

from __future__ import annotations

from typing import Any, Protocol


class Session(Protocol):
    """One client connection as the queue sees it; leases belong to it."""

    client: str
    generation: str

    def deliver(self, answer: object) -> None:
        """Write an answer without blocking; what does not fit is left to the session's thread."""


class Bereft:
    """Holds what was leased when the server ended: its consumer may have done the work.

    The leases stand until a consumer takes again, with its acknowledgements first; so a record
    is not overwritten between the server's end and the news that it was done.
    """

    client = ""
    generation = ""

    def deliver(self, _answer: object) -> None:
        """It is no connection."""


class Waiter:
    """One get that waits; its queue's lock guards it until it is answered."""

    __slots__ = ("answer", "count", "session")

    def __init__(self, session: Session, count: int) -> None:
        self.session = session
        self.count = count
        self.answer: tuple[Any, ...] | None = None

    def deliver(self) -> None:
        """Write the answer; without the queue's lock."""
        self.session.deliver(self.answer)
