"""Time behind one small interface, so that a test or a replay can turn the clock by hand."""

from __future__ import annotations

import time
from typing import Protocol


class Clock(Protocol):
    """What the engine asks of a clock."""

    def now(self) -> float:
        """Wall time in seconds since the epoch, UTC."""

    def monotonic(self) -> float:
        """Seconds of a clock that never steps; comparable between processes of one machine."""


class SystemClock:
    """The machine's own clocks."""

    def now(self) -> float:
        """Wall time in seconds since the epoch, UTC."""
        return time.time()

    def monotonic(self) -> float:
        """Seconds of CLOCK_MONOTONIC."""
        return time.monotonic()


class ManualClock:
    """A clock that moves only when told to; both faces show the same time."""

    def __init__(self, start: float = 0.0) -> None:
        self._now = start

    def now(self) -> float:
        """The time it was last set to, in seconds."""
        return self._now

    def monotonic(self) -> float:
        """The time it was last set to, in seconds."""
        return self._now

    def advance(self, seconds: float) -> None:
        """Move forward by `seconds` (may not be negative)."""
        self.set(self._now + seconds)

    def set(self, now: float) -> None:
        """Move to `now`; raises ValueError for a time in the past."""
        if now < self._now:
            raise ValueError(f"a clock cannot go back from {self._now} to {now}")
        self._now = now
