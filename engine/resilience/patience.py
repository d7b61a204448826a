"""Waiting that a person can end, and that never lasts for ever."""

from __future__ import annotations

import time
from collections.abc import Callable

from engine.errors import ResilienceError
from engine.resilience.facts import NS

LOOK_S = 0.02


class Aborted(ResilienceError):  # noqa: N818 - reads as what happened
    """Raised when a person asked the test to end."""


class Patience:
    """Waits; `cancelled` is asked often, and True ends the wait as aborted."""

    def __init__(self, cancelled: Callable[[], bool]) -> None:
        self._cancelled = cancelled

    def wait(self, seconds: float) -> None:
        """Sleep.

        Raises:
            Aborted: a person asked to end.
        """
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            self.check()
            time.sleep(min(left, 0.05))

    def wait_to(self, at: int) -> None:
        """Sleep until a monotonic moment, ns; raises as `wait` does."""
        self.wait(max(0.0, (at - time.monotonic_ns()) / NS))

    def wait_until(self, what: Callable[[], bool], seconds: float, words: str) -> None:
        """Wait for something.

        Raises:
            ResilienceError: it did not come in time.
            Aborted: a person asked to end.
        """
        end = time.monotonic() + seconds
        while not what():
            self.check()
            if time.monotonic() > end:
                raise ResilienceError(f"Waited {seconds:g} s for {words}, in vain.")
            time.sleep(LOOK_S)

    def check(self) -> None:
        """Raise Aborted if a person asked to end."""
        if self._cancelled():
            raise Aborted("The test was aborted on request.")
