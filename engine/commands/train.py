"""`python -m engine train`: learn what to cache from a trace, here or as a job."""

from __future__ import annotations

import argparse
import json
import signal
import sys
import time
from types import FrameType
from typing import Any

from engine.commands import training_options
from engine.commands.evaluations import shown
from engine.commands.listening import Terminal
from engine.settings import Settings
from engine.terminal import rows, say, who


def add(commands: Any) -> None:  # noqa: ANN401 - argparse keeps its class of subparsers private
    """Declare the command."""
    text = "Train policies on a trace, judge them, and register them. Ctrl-C keeps the best so far."
    parser = commands.add_parser("train", help=text, description=text)
    training_options.declare(parser)
    parser.add_argument("--job", action="store_true", help="under the running engine")
    parser.add_argument("--at-once", action="store_true", help="with --job: one job a seed")
    parser.add_argument("--hyperparameters", action="store_true", help="list them and end")
    parser.add_argument("--suggest-weights", action="store_true", help="from the data, and end")
    parser.add_argument("--json", action="store_true", help="as JSON")
    parser.set_defaults(run=run)


def run(given: argparse.Namespace, settings: Settings) -> int:
    """Train in the foreground, start a job, or list what may be set."""
    from engine.actions import training

    if given.hyperparameters:
        return _list(given)
    if given.suggest_weights:
        return _suggest(given, settings)
    wanted = training_options.wanted_of(given)
    if given.job:
        ids = training.start_training(wanted, given.at_once, who(), settings)
        say(json.dumps(ids) if given.json else "\n".join(ids))
        return 0
    found = _train(wanted, given.json, settings)
    if given.json or found is None:
        say(json.dumps(found, indent=1))
        return 0
    if found["evaluation"]:
        say(shown(found["evaluation"]))
    told = ", ".join(
        f"{number} (validation {score:.4f})"
        for number, score in zip(found["models"], found["validation"], strict=True)
    )
    cut = ", cut short" if found["cancelled"] else ""
    say(f"\nModels{cut}: {told}; best on validation: {found['best']}.")
    return 0


def _train(wanted: Any, quiet: bool, settings: Settings) -> dict[str, Any] | None:  # noqa: ANN401
    from db.migrations import migrate
    from engine.actions.store import storing
    from engine.actions.training import train_models
    from engine.training.job import StoredCurves

    run_id = f"cli-{time.time_ns():x}"
    with storing(settings) as store:
        migrate(store)
        listener = Terminal(quiet, StoredCurves(store, run_id).point)

    def stop(_number: int, _frame: FrameType | None) -> None:
        listener.stop = True
        signal.signal(signal.SIGINT, signal.default_int_handler)
        sys.stderr.write("ending; the best so far is kept (Ctrl-C again: nothing is)\n")

    before = signal.signal(signal.SIGINT, stop)
    try:
        return train_models(wanted, who(), settings, listener, run_id)
    finally:
        signal.signal(signal.SIGINT, before)


def _list(given: argparse.Namespace) -> int:
    from engine.actions.training import hyperparameters
    from engine.training import ALGORITHMS
    from engine.training.options import RECIPES

    names = RECIPES.get(given.algorithm, (given.algorithm,))
    found = {name: hyperparameters(name) for name in (names or ALGORITHMS)}
    if given.json:
        say(json.dumps(found, indent=1))
        return 0
    for name, parameters in found.items():
        lines = [(p["name"], p["default"], p["range"], p["help"]) for p in parameters]
        say(rows((name.upper(), "DEFAULT", "RANGE", "MEANING"), lines) + "\n")
    return 0


def _suggest(given: argparse.Namespace, settings: Settings) -> int:
    from engine.actions.training import suggested_weights

    found = suggested_weights(given.trace, given.limit, settings)
    if given.json:
        say(json.dumps(found, indent=1))
        return 0
    say(rows(("METRIC", "WEIGHT", "WHY"), [(s["metric"], s["weight"], s["reason"]) for s in found]))
    return 0
