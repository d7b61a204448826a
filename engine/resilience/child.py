"""What the processes of a private pipeline have in common: their options, history and lifeline."""

from __future__ import annotations

import argparse
import contextlib
import subprocess
from pathlib import Path

from engine.broker.base import Broker
from engine.errors import BrokerError
from engine.lifeline import Lifeline
from engine.registry import resolve
from engine.resilience.history import History
from engine.resilience.queues import QUEUES

REPLY_S = 0.5
"""How long a call of a test's process waits: faults are short, and calls are repeated."""

END_S = 1.0
"""How long a program that a test's process started may take to end."""


class Child:
    """One process of a pipeline: where it lives, what it writes, when it must end."""

    def __init__(self, default_name: str) -> None:
        parser = argparse.ArgumentParser()
        parser.add_argument("--folder", type=Path, required=True)
        parser.add_argument("--address", required=True)
        parser.add_argument("--backend", default="manager")
        parser.add_argument("--home", type=Path, help="folder of the queue's key and journal")
        parser.add_argument("--queue", default="predictions")
        parser.add_argument("--name", default=default_name)
        given = parser.parse_args()
        self.lifeline = Lifeline()
        self.folder: Path = given.folder
        self.name: str = given.name
        self.past = sorted((self.folder / "history").glob(f"{self.name}-*.jsonl"))
        """Histories of processes that had this name before."""
        self.history = History(self.folder / "history", self.name)
        self.address: str = given.address
        self._backend, self._queue = given.backend, given.queue
        self._home: Path = given.home or given.folder

    def broker(self) -> Broker:
        """The queue as this process reaches it; connected, if it answers."""
        kind = resolve(QUEUES, self._backend, "queue backend")
        made: Broker = kind.connect(self._home, self.address, self._queue, self.name, REPLY_S)
        with contextlib.suppress(BrokerError):  # the first call pays for imports and handshake
            made.counters()
        return made

    @property
    def stopping(self) -> bool:
        """Whether it must end now."""
        return self.lifeline.stopping.is_set()


def end(program: subprocess.Popen[bytes]) -> None:
    """End a program that this process started, by force if it takes its time."""
    program.terminate()
    try:
        program.wait(END_S)
    except subprocess.TimeoutExpired:
        program.kill()
        program.wait()
