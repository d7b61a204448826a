"""How often a client may ask, and how much it may send."""

from __future__ import annotations

import time
from collections import OrderedDict

from starlette.exceptions import HTTPException
from starlette.types import Message, Receive

CLIENTS = 10_000
"""Clients that are remembered; the one that was quiet longest is forgotten first."""


class Pace:
    """Lets each client pass `rate` times a second, after a pause up to two seconds' worth at once.

    Not thread-safe: asked from the event loop alone.
    """

    def __init__(self, rate: float) -> None:
        self._rate = rate
        self._burst = max(1.0, 2 * rate)
        self._left: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def wait_s(self, client: str, now: float | None = None) -> float:
        """0 and the request is counted, or the seconds until the client may ask again."""
        at = time.monotonic() if now is None else now
        left, seen = self._left.pop(client, (self._burst, at))
        left = min(self._burst, left + (at - seen) * self._rate)
        passes = left >= 1
        self._left[client] = (left - 1 if passes else left, at)
        if len(self._left) > CLIENTS:
            self._left.popitem(last=False)
        return 0.0 if passes else (1 - left) / self._rate


def bounded(receive: Receive, most: int) -> Receive:
    """A `receive` that ends a body of more than `most` bytes, whatever length was announced."""
    taken = 0

    async def counting() -> Message:
        nonlocal taken
        message = await receive()
        taken += len(message.get("body", b""))
        if taken > most:
            raise HTTPException(413, too_large(most))
        return message

    return counting


def too_large(most: int) -> str:
    """The sentence for a body that is too large."""
    return f"The body is larger than {most / 1e6:g} MB; send it in several calls."
