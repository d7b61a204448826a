"""How soon the system is back: `python -m tests.benchmarks.recovery` (`--quick`: one turn each).

A killed queue server or agent is back when the next record is delivered that was accepted after the
kill. The alternative is the bare start of a Python process with the same imports, taken in turn,
since no supervisor can be faster than that. The agent is the real one, in a real engine. A frozen
queue server is noticed when the supervisor has killed it.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from engine.broker.base import Message
from engine.broker.client import connect
from engine.resilience.facts import NS
from engine.resilience.history import Event, What, read_all
from engine.resilience.running import run_scenario
from engine.resilience.scenarios.queue_frozen import HEARTBEAT_S, SLACK_S
from engine.settings import ROOT
from tests.engine.stubs.running import until
from tests.faults.living import Living, prepared

MOST_TIMES = 4.0
TURNS = 5
PAUSE_S = 8.0
"""Between two kills: who ends too often is given up."""
IMPORTS = {"queue": "engine.broker.server", "agent": "engine.agent.service"}


def bare_start(module: str) -> float:
    """Seconds until a process that imports `module` has ended."""
    begun = time.monotonic()
    subprocess.run([sys.executable, "-c", f"import {module}"], cwd=ROOT, check=True)
    return time.monotonic() - begun


def events_of(scenario: str, folder: Path, number: int) -> list[Event]:
    """The history of a quick run."""
    place = folder / f"{scenario}-{number}"
    run_scenario(scenario, place, {}, quick=True)
    return read_all(place / "history")


def queue_back(folder: Path, number: int) -> float:
    """Seconds from the kill of the queue server to the next delivery."""
    events = events_of("queue_killed", folder, number)
    killed = next(event.at for event in events if event.what is What.INJECTED)
    return min(
        event.handed - killed
        for event in events
        if event.what is What.HANDED and event.accepted > killed
    ) / NS  # fmt: skip


def noticed(folder: Path, number: int) -> float:
    """Seconds until a frozen queue server was replaced."""
    events = events_of("queue_frozen", folder, number)
    return next(event.value for event in events if event.what is What.PROOF)


def agents_back(folder: Path, turns: int) -> list[tuple[float, float]]:
    """Of each turn: seconds from the kill of the agent to its next delivery, and a bare start."""
    store = prepared(f"sqlite:///{folder}/store.sqlite3")
    engine = Living(folder, store.url)
    queue = connect(engine.settings, client="benchmark")
    found = []
    try:
        engine.all_are("running")
        for number in range(turns):
            bare = bare_start(IMPORTS["agent"])
            until(lambda: queue.counters().depth == 0, 20.0)
            killed = time.monotonic_ns()
            engine.harm("agent")
            before = queue.counters().acknowledged
            # The agent drops what is no prediction. Its acknowledgement counts, since the queue
            # may still hand a record to the connection of the one that was just killed.
            queue.put_many([Message(f"benchmark-{number}", b"{}", time.monotonic_ns())])
            until(lambda: queue.counters().acknowledged > before, 30.0)  # noqa: B023 - called here
            found.append(((time.monotonic_ns() - killed) / NS, bare))
            engine.becomes("agent", "running")
            time.sleep(PAUSE_S)
    finally:
        queue.close()
        engine.close()
        store.dispose()
    return found


def line(name: str, pairs: list[tuple[float, float]]) -> bool:
    """Print a row of the table; whether it is as fast as asked."""
    back = statistics.median(one for one, _ in pairs)
    times = statistics.median(one / bare for one, bare in pairs)
    bare = statistics.median(bare for _, bare in pairs)
    fine = times <= MOST_TIMES
    print(f"{name:<24}{back:9.3f}{bare:13.3f}{times:9.2f} x   <= {MOST_TIMES:g} x "
          f"{'' if fine else '  MISSED'}")  # fmt: skip
    return fine


def main(arguments: list[str] | None = None) -> int:
    """Print the table; 1 if something is slower than asked."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true")
    turns = 1 if parser.parse_args(arguments).quick else TURNS
    with tempfile.TemporaryDirectory(prefix="recovery") as name:
        folder = Path(name)
        queues = [(bare_start(IMPORTS["queue"]), queue_back(folder, n)) for n in range(turns)]
        frozen = [noticed(folder, number) for number in range(turns)]
        agents = agents_back(folder / "engine", turns)
    print(f"{'killed, medians':<24}{'back, s':>9}{'bare start, s':>13}{'ratio':>11}   asked")
    fine = [line("queue server", [(back, bare) for bare, back in queues]), line("agent", agents)]
    slowest, limit = max(frozen), HEARTBEAT_S + SLACK_S
    fine.append(slowest <= limit)
    print(f"frozen queue server noticed after {slowest:.2f} s at most, asked: <= {limit:g} s")
    print(f"{turns} turns, load average {os.getloadavg()[0]:.1f}")
    return 0 if all(fine) else 1


if __name__ == "__main__":
    sys.exit(main())
