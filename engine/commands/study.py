"""`python -m engine study …`: its verbs and their options."""

from __future__ import annotations

import argparse
import json
from typing import Any

from engine.settings import Settings
from engine.terminal import say

_TEXT = "Hyperparameter studies: make, run, look at, steer."
_VARY = "name=1,2,3 or name=0.01..0.3 or name=0.01..0.3~log; several times"


def add(commands: Any) -> None:  # noqa: ANN401 - argparse keeps its class of subparsers private
    """Declare `study`."""
    parser = commands.add_parser("study", help=_TEXT, description=_TEXT)
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")

    def verb(name: str, text: str, *, named: bool = True) -> argparse.ArgumentParser:
        made: argparse.ArgumentParser = verbs.add_parser(name, help=text, description=text)
        if named:
            made.add_argument("name", help="of the study")
        made.add_argument("--json", action="store_true", help="as JSON")
        made.set_defaults(run=run)
        return made

    _declare_new(verb("new", "Make a study; `run` works on it."))
    worked = verb("run", "Work on a study here until it is done.")
    worked.add_argument("--workers", type=int, default=1, help="processes")
    worked.add_argument("--job", action="store_true", help="under the running engine")
    verb("list", "The newest studies.", named=False)
    shown = verb("show", "Ranking, importance, and how sure that is.")
    shown.add_argument("--top", type=int, default=10, metavar="N", help="configurations shown")
    verb("stop", "Let nobody work on it.")
    verb("resume", "Let workers go on.")
    more = verb("extend", "More configurations, or more minutes.")
    more.add_argument("--trials", type=int, default=0)
    more.add_argument("--minutes", type=float, default=0.0)
    seeds = verb("seeds", "More seeds for configurations.")
    seeds.add_argument("--add", type=int, default=5, metavar="N")
    seeds.add_argument("--trial", type=int, action="append", metavar="N", help="default: all")
    again = verb("rerun", "Run trials afresh; default: those that failed.")
    again.add_argument("--trial", type=int, action="append", metavar="N")
    for name, text in (
        ("apply", "Let the live agent work with a trial's configuration."),
        ("register", "Train a trial's configuration and register the model."),
    ):
        taken = verb(name, text)
        taken.add_argument("--trial", type=int, metavar="N", help="default: the best")
    pin = verb("pin", "Hold all trials against one; without --trial against none.")
    pin.add_argument("--trial", type=int, metavar="N")
    out = verb("export", "Write a study to a file: .csv, .json or .html (a report).")
    out.add_argument("file")
    verb("remove", "Delete a study with its runs.")


def run(given: argparse.Namespace, settings: Settings) -> int:
    """Do one verb."""
    from engine.commands.study_verbs import VERBS

    told, words = VERBS[given.verb](given, settings)
    say(json.dumps(told, indent=1) if given.json else words)
    return 0


def _declare_new(parser: argparse.ArgumentParser) -> None:
    option = parser.add_argument
    option("--kind", default="agent", help="agent or trainer")
    option("--vary", action="append", default=[], metavar="AXIS", help=_VARY)
    option("--set", action="append", default=[], metavar="NAME=VALUE", help="not varied")
    option("--sampler", default="", help="grid, random or tpe; default: as the axes ask for")
    option("--seeds", type=int, default=5, help="runs of each configuration")
    option("--trials", type=int, default=0, help="configurations; default: all of a grid")
    option("--minutes", type=float, default=0.0, help="budget in time")
    option("--prune", action="store_true", help="save seeds of what is clearly worse")
    option("--warm", default="", metavar="STUDY", help="start from a past study's results")
    option("--sampler-seed", type=int, default=0)
    option("--option", action="append", default=[], metavar="NAME=VALUE", help=_OPTIONS)
    option("--stale-s", type=float, default=60.0, help="silence after which a trial is taken over")
    option("--list", action="store_true", help="list what may be varied, and end")


_OPTIONS = (
    "agent: source, minutes (of the recording), objective (net, saved, hits, reward), pause_ms "
    "(an overload); trainer: trace or source, limit"
)
