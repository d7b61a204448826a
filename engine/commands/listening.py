"""How long work tells the terminal how far it is."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable

from engine.training.curves import Listener, Point

TOLD_S = 2.0
"""Progress is printed at most this often."""

FORETOLD = 0.02
"""Share of the work from which on its end can be foretold."""


class Terminal(Listener):
    """Prints progress on standard error.

    Args:
        quiet: print nothing.
        keep: is given the points of curves.
    """

    def __init__(self, quiet: bool, keep: Callable[[Point], None] | None = None) -> None:
        self._quiet, self._keep = quiet, keep
        self._begun, self._told = time.monotonic(), 0.0
        self.stop = False

    @property
    def cancelled(self) -> bool:
        """Whether Ctrl-C was pressed."""
        return self.stop

    def progress(self, fraction: float, message: str) -> None:
        """Print one line."""
        now = time.monotonic()
        if not self._quiet and now - self._told >= TOLD_S:
            self._told = now
            sys.stderr.write(f"{fraction:4.0%} {left(now - self._begun, fraction)}{message}\n")

    def point(self, point: Point) -> None:
        """Keep a point."""
        if self._keep is not None:
            self._keep(point)


def left(spent_s: float, fraction: float) -> str:
    """How long work will take that took so long for its first `fraction`; empty at its start."""
    if not FORETOLD < fraction < 1:
        return ""
    seconds = spent_s * (1 - fraction) / fraction
    whole = f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.0f} min"
    return f"about {whole} left · "
