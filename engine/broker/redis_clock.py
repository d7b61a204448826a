"""The Redis server's clock seen from one client: how far apart they are, and how sure that is.

Cristian's method on calls that are made anyway: the server read its clock somewhere between the
sending of a call and its reply, so half of that time is the most by which one reading can be
wrong. The best reading counts, and grows old: quartz of two machines drifts.
"""

from __future__ import annotations

DRIFT = 100e-6
"""Seconds that two clocks drift apart in one, at most: twice what quartz does."""


class ServerClock:
    """Turns the client's monotonic nanoseconds into the server's microseconds, and back.

    A server whose clock is set (a step, not a slow correction) contradicts the best reading; the
    next call then counts alone.
    """

    def __init__(self) -> None:
        # Offset, error and our time of the reading together, as several threads call.
        self._best = (0, float("inf"), 0)

    def note(self, before_ns: int, server_us: int, after_ns: int) -> None:
        """One call: our clock before and after it, the server's in between."""
        offset = server_us * 1000 - (before_ns + after_ns) // 2
        error = (after_ns - before_ns) / 2 + 1000  # the server tells whole microseconds
        known = self.error_ns(after_ns)
        if error <= known or abs(offset - self._best[0]) > error + known:
            self._best = (offset, error, after_ns)

    def error_ns(self, now_ns: int) -> float:
        """The most by which a time may be off that is turned now; infinite before any call."""
        _, error, read_ns = self._best
        return error + DRIFT * max(0, now_ns - read_ns)

    def to_server_us(self, ours_ns: int) -> int:
        """The server's time, in microseconds since the epoch, at a moment of our clock."""
        return (ours_ns + self._best[0]) // 1000

    def to_ours_ns(self, server_us: int) -> int:
        """Our time, monotonic nanoseconds, at a moment of the server's clock."""
        return server_us * 1000 - self._best[0]
