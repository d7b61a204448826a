"""`python -m engine.resilience.guard`: heals the live engine when a test ends, or dies.

The runner writes the pid of each process that it is about to stop. When its pipe ends, whatever
ended it, all of them go on, and the queue that the test's load had is removed once the load's own
processes are gone: one that still asks for a queue would begin it anew.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import signal
import sys
import time
from pathlib import Path

from engine.broker.place import LIVE
from engine.errors import BrokerError
from engine.registry import resolve
from engine.resilience.queues import QUEUES
from engine.resilience.sweeping import is_gone

REPLY_S = 2.0
TRIES_S = 15.0
USERS_END_S = 10.0
"""How long those who use the queue may take to end without their runner."""


def main() -> int:
    """Wait for the end of the runner, then heal; 1 if the queue could not be removed."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--backend", required=True)
    parser.add_argument("--home", type=Path, required=True)
    parser.add_argument("--address", required=True)
    parser.add_argument("--queue", required=True)
    parser.add_argument("--history", type=Path, required=True, help="folder; names who uses it")
    given = parser.parse_args()
    runner = os.getppid()
    stopped = [int(line) for line in sys.stdin]
    for pid in stopped:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGCONT)
    _await_users(given.history, runner)
    kind = resolve(QUEUES, given.backend, "queue backend")
    broker = kind.connect(given.home, given.address, LIVE, "resilience guard", REPLY_S)
    end = time.monotonic() + TRIES_S
    while time.monotonic() < end:
        try:
            broker.drop(given.queue)
        except BrokerError:
            continue
        broker.close()
        return 0
    return 1


def _await_users(history: Path, runner: int) -> None:
    """Wait until every process that wrote a history, but for the runner, is gone."""
    users = {int(path.stem.rpartition("-")[2]) for path in history.glob("*.jsonl")} - {runner}
    end = time.monotonic() + USERS_END_S
    for pid in users:
        is_gone(pid, max(0.0, end - time.monotonic()))


if __name__ == "__main__":
    sys.exit(main())
