"""What the runner itself says in the history: phases, faults and their ends, observations."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from engine.resilience.history import History, What


class Witness:
    """Writes into the runner's history."""

    def __init__(self, history: History) -> None:
        self.history = history
        self._faults = 0

    def phase(self, name: str, at: int = 0) -> None:
        """Note that a phase begins."""
        self.history.tell(What.PHASE, at=at, note=name)

    @contextlib.contextmanager
    def fault(self, note: str) -> Iterator[None]:
        """A fault that lasts as long as the block, whatever ends it."""
        self._faults += 1
        name = str(self._faults)
        self.history.tell(What.INJECTED, note=note, id=name, value=1.0)
        try:
            yield
        finally:
            self.history.tell(What.HEALED, note=note, id=name)

    def struck(self, note: str) -> None:
        """Note a fault that is over at once."""
        self._faults += 1
        self.history.tell(What.INJECTED, note=note, id=str(self._faults))

    def prove(self, note: str, value: float, limit: float) -> None:
        """Note an observation that is right as long as `value` is at most `limit`."""
        self.history.tell(What.PROOF, note=note, value=float(value), limit=float(limit))

    def note(self, words: str) -> None:
        """Say something in the history that nobody judges."""
        self.history.tell(What.STATE, note=words, id="runner")
