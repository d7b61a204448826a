"""`python -m engine renew MODEL`: train a model anew on newer requests, once or again and again."""

from __future__ import annotations

import argparse
import json
import time
from typing import Any

from engine.commands.listening import Terminal
from engine.errors import TrainingError
from engine.settings import Settings
from engine.terminal import say, who

UNITS = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86_400.0}


def add(commands: Any) -> None:  # noqa: ANN401 - argparse keeps its class of subparsers private
    """Declare the command."""
    text = "Train a model anew on newer requests; its alias moves where the new one is ahead."
    parser = commands.add_parser("renew", help=text, description=text)
    parser.add_argument("model", metavar="MODEL", nargs="?", default="champion", help=_MODEL)
    parser.add_argument("--source", default="", help="whose rows are the newer requests")
    parser.add_argument("--trace", default="", help="a stored trace or a file instead")
    parser.add_argument("--every", default="", metavar="6h", help="again and again, until Ctrl-C")
    parser.add_argument("--job", action="store_true", help="under the running engine, once")
    parser.add_argument("--json", action="store_true", help="as JSON, a line each time")
    parser.set_defaults(run=run)


_MODEL = "number or alias (default: champion); a number's alias is not moved"


def run(given: argparse.Namespace, settings: Settings) -> int:
    """Renew in the foreground, or start a job."""
    from engine.actions.job_rows import start_job
    from engine.actions.renewing import RenewWanted, renew_model

    pause = seconds_of(given.every) if given.every else 0.0
    wanted = {"model": given.model, "source": given.source, "trace": given.trace}
    if given.job:
        say(start_job("renew", {k: v for k, v in wanted.items() if v}, who(), settings))
        return 0
    while True:
        started = time.monotonic()
        found = renew_model(RenewWanted(**wanted), who(), settings, Terminal(given.json))
        say(json.dumps(found) if given.json or found is None else found["told"])
        if not pause:
            return 0
        time.sleep(max(0.0, started + pause - time.monotonic()))


def seconds_of(text: str) -> float:
    """The seconds of a duration such as 90s, 30m, 6h or 1d.

    Raises:
        TrainingError: it is none, or not above zero.
    """
    number, unit = text[:-1], text[-1:]
    try:
        found = float(number) * UNITS[unit]
    except (ValueError, KeyError):
        found = 0.0
    if not 0 < found < float("inf"):
        raise TrainingError(f"--every is {text!r}; give a duration such as 90s, 30m, 6h or 1d.")
    return found
