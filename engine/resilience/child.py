"""What the processes of a private pipeline have in common: their options, history and lifeline."""

from __future__ import annotations

import argparse
from pathlib import Path

from engine.broker.client import ManagerBroker
from engine.broker.place import Place, parse_address
from engine.lifeline import Lifeline
from engine.resilience.history import History

REPLY_S = 0.5
"""How long a call of a test's process waits: faults are short, and calls are repeated."""


class Child:
    """One process of a pipeline: where it lives, what it writes, when it must end."""

    def __init__(self, default_name: str) -> None:
        parser = argparse.ArgumentParser()
        parser.add_argument("--folder", type=Path, required=True)
        parser.add_argument("--address", required=True)
        parser.add_argument("--queue", default="predictions")
        parser.add_argument("--name", default=default_name)
        given = parser.parse_args()
        self.lifeline = Lifeline()
        self.folder: Path = given.folder
        self.name: str = given.name
        self.past = sorted((self.folder / "history").glob(f"{self.name}-*.jsonl"))
        """Histories of processes that had this name before."""
        self.history = History(self.folder / "history", self.name)
        self._address, self._queue = given.address, given.queue

    def broker(self) -> ManagerBroker:
        """The queue as this process reaches it."""
        place = Place(
            parse_address(self._address), self.folder / "queue.key", self.folder / "queue"
        )
        return ManagerBroker(place, self._queue, self.name, REPLY_S)

    @property
    def stopping(self) -> bool:
        """Whether it must end now."""
        return self.lifeline.stopping.is_set()
