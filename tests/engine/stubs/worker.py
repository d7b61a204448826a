"""A service of a few lines that misbehaves on demand."""

from __future__ import annotations

import argparse
import signal
import sys
import time
from pathlib import Path

from engine.lifeline import Lifeline


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--history", type=Path, help="append what happens, one line each")
    parser.add_argument("--name", default="worker")
    parser.add_argument("--say", default="")
    parser.add_argument("--flood", type=int, default=0, help="bytes to print at the start")
    parser.add_argument("--fail", default="", help="end with exit code 2 and this sentence")
    parser.add_argument("--never-ready", action="store_true")
    parser.add_argument("--ready-after", type=float, default=0)
    parser.add_argument("--ignore-term", action="store_true")
    parser.add_argument("--degraded-for", type=float, default=0)
    parser.add_argument("--import-for", type=float, default=0, help="sleep before all else")
    given = parser.parse_args()
    time.sleep(given.import_for)
    lifeline = Lifeline()
    if given.ignore_term:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)

    def note(what: str) -> None:
        if given.history:
            with given.history.open("a") as file:
                file.write(f"{given.name} {what}\n")

    if given.say:
        sys.stdout.write(given.say + "\n")
    for _ in range(given.flood // 100):
        sys.stdout.write("x" * 99 + "\n")
    if given.fail:
        sys.stderr.write(given.fail + "\n")
        sys.exit(2)
    time.sleep(given.ready_after)
    note("up")
    if not given.never_ready:
        lifeline.ready()
    if given.degraded_for:
        lifeline.degraded("the database is away")
        lifeline.wait(given.degraded_for)
        lifeline.recovered()
    beats = 0
    while not lifeline.wait(0.05):
        beats += 1
        lifeline.beat(beats)
    note("down")


if __name__ == "__main__":
    main()
