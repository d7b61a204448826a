"""`python -m engine worker --study NAME`: one more pair of hands for a study."""

from __future__ import annotations

import argparse
from typing import Any

from engine.settings import Settings
from engine.terminal import say


def add(commands: Any) -> None:  # noqa: ANN401 - argparse keeps its class of subparsers private
    """Declare the command."""
    text = "Take trials from a study, on any machine that reaches the database, until it is done."
    parser = commands.add_parser("worker", help=text, description=text)
    parser.add_argument("--study", required=True, metavar="NAME")
    parser.add_argument("--trials", type=int, default=0, help="at most so many; 0: all")
    parser.add_argument("--quiet", action="store_true", help="print nothing")
    parser.set_defaults(run=work)


def work(given: argparse.Namespace, settings: Settings) -> int:
    """Be one worker."""
    from engine.actions.studies import run_study
    from engine.lifeline import Lifeline

    lifeline = Lifeline()
    done = run_study(given.study, settings, lifeline.stopping.is_set, given.trials)
    if not given.quiet:
        say(f"{done} trials done.")
    return 0
