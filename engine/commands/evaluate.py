"""`python -m engine evaluate MODEL`: judge a model beside every classic and the optimum."""

from __future__ import annotations

import argparse
import json
from typing import Any

from engine.commands.evaluations import shown
from engine.commands.listening import Terminal
from engine.settings import Settings
from engine.terminal import rows, say, who


def add(commands: Any) -> None:  # noqa: ANN401 - argparse keeps its class of subparsers private
    """Declare the command."""
    text = "Judge a model (all seeds of its training) on requests that it has never seen."
    parser = commands.add_parser("evaluate", help=text, description=text)
    parser.add_argument("model", metavar="MODEL", help="number or alias")
    parser.add_argument("--trace", default="", help="to judge on; default: that of its training")
    parser.add_argument("--sizes", nargs="*", default=[], metavar="N|P%", help=_SIZES)
    parser.add_argument("--policies", nargs="*", default=[], metavar="NAME", help=_POLICIES)
    parser.add_argument("--steps", type=int, default=0, metavar="N", help=_STEPS)
    parser.add_argument("--around", type=int, default=-1, metavar="I", help=_AROUND)
    parser.add_argument("--find", default="", metavar="TEXT", help="steps of such a key alone")
    parser.add_argument("--output", default="", metavar="FILE", help="steps into a Parquet file")
    parser.add_argument("--job", action="store_true", help="under the running engine")
    parser.add_argument("--json", action="store_true", help="as JSON")
    parser.set_defaults(run=run)


_SIZES = "cache sizes, or shares; default: its own and 10"
_POLICIES = "classics to stand beside; default: all"
_STEPS = "show N steps instead: what was decided, and why"
_AROUND = "steps around request I of the test part; default: the first ones"


def run(given: argparse.Namespace, settings: Settings) -> int:
    """Judge in the foreground, start a job, or show steps."""
    from engine.actions.evaluating import EvaluateWanted, evaluate_model
    from engine.actions.job_rows import start_job

    if given.steps:
        return _steps(given, settings)
    wanted = {
        "model": given.model,
        "trace": given.trace,
        "sizes": tuple(given.sizes),
        "policies": tuple(given.policies),
    }
    if given.job:
        params = {name: value for name, value in wanted.items() if value}
        say(start_job("evaluate", params, who(), settings))
        return 0
    found = evaluate_model(EvaluateWanted(**wanted), who(), settings, Terminal(given.json))
    say(json.dumps(found, indent=1) if given.json else shown(found))
    return 0


def _steps(given: argparse.Namespace, settings: Settings) -> int:
    from engine.actions.steps import StepsWanted, show_steps

    wanted = StepsWanted(
        model=given.model,
        trace=given.trace,
        count=given.steps,
        around=given.around,
        find=given.find,
        output=given.output,
    )
    found = show_steps(wanted, settings)
    if given.json:
        say(json.dumps(found, indent=1))
        return 0
    lines = [
        (s["number"], s["key"][:60], "hit" if s["hit"] else "miss", s["decided"],
         ", ".join(s["evicted"])[:60])
        for s in found["steps"]
    ]  # fmt: skip
    say(rows(("REQUEST", "KEY", "", "DECIDED", "EVICTED"), lines))
    if given.output:
        say(f"\nAll columns are in {given.output}.")
    return 0
