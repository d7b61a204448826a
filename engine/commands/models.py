"""`python -m engine models`: look at trained models, compare, promote, roll back, delete."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from typing import Any

from engine.settings import Settings
from engine.terminal import ago, rows, say, who

Shown = Callable[[argparse.Namespace, Settings], Any]


def add(commands: Any) -> None:  # noqa: ANN401 - argparse keeps its class of subparsers private
    """Declare the command and its verbs."""
    text = "Look at trained models, compare, promote, roll back or delete them."
    parser = commands.add_parser("models", help=text, description=text)
    parser.add_argument("--json", action="store_true", help="as JSON")
    parser.set_defaults(run=run, act=_list)
    verbs = parser.add_subparsers(dest="verb", metavar="VERB")

    def verb(name: str, act: Shown, told: str) -> argparse.ArgumentParser:
        made: argparse.ArgumentParser = verbs.add_parser(name, help=told, description=told)
        made.add_argument("--json", action="store_true", default=argparse.SUPPRESS, help="as JSON")
        made.set_defaults(act=act)
        return made

    verb("list", _list, "The newest models, newest first.")
    verb("show", _show, "Everything known of one model.").add_argument("model", metavar="MODEL")
    both = verb("compare", _compare, "What differs between two models.")
    both.add_argument("model", metavar="MODEL")
    both.add_argument("other", metavar="OTHER")
    up = verb("promote", _promote, "Give a model an alias.")
    up.add_argument("model", metavar="MODEL")
    up.add_argument("--alias", default="champion")
    up.add_argument("--why", default="", help="kept with the move")
    back = verb("roll-back", _roll_back, "Give an alias back to the model that had it before.")
    back.add_argument("--alias", default="champion")
    back.add_argument("--why", default="", help="kept with the move")
    gone = verb("delete", _delete, "Delete a model that no alias protects, with its files.")
    gone.add_argument("model", metavar="MODEL")


def run(given: argparse.Namespace, settings: Settings) -> int:
    """Do the verb; print JSON, or what it said."""
    found, told = given.act(given, settings)
    say(json.dumps(found, indent=1) if given.json else told)
    return 0


def _list(_given: argparse.Namespace, settings: Settings) -> tuple[Any, str]:
    from engine.actions.models import models

    found = models(settings=settings)
    if not found:
        return [], "There is no model yet; `python -m engine train` makes one."
    lines = [
        (m["id"], m["name"], m["algorithm"], f"{m['cache_size']:,} {_unit(m)}",
         ago(m["created_at"]), ", ".join(m["aliases"]))
        for m in found
    ]  # fmt: skip
    return found, rows(("MODEL", "NAME", "ALGORITHM", "CACHE", "AGE", "ALIASES"), lines)


def _show(given: argparse.Namespace, settings: Settings) -> tuple[Any, str]:
    from engine.actions.models import model

    found = model(given.model, settings)
    lines = [(key, _short(value)) for key, value in found.items() if value not in (None, [], {})]
    return found, rows(("", ""), lines).lstrip("\n")


def _compare(given: argparse.Namespace, settings: Settings) -> tuple[Any, str]:
    from engine.actions.models import compare_models

    found = compare_models(given.model, given.other, settings)
    if not found:
        return [], "The models differ in nothing but their weights."
    lines = [(d["key"], _short(d["first"]), _short(d["second"])) for d in found]
    return found, rows(("DIFFERS IN", given.model, given.other), lines)


def _promote(given: argparse.Namespace, settings: Settings) -> tuple[Any, str]:
    from engine.actions.models import promote_model

    number = promote_model(given.model, given.alias, given.why, who(), settings)
    return {"alias": given.alias, "model": number}, f"Model {number} is the {given.alias} now."


def _roll_back(given: argparse.Namespace, settings: Settings) -> tuple[Any, str]:
    from engine.actions.models import roll_back_model

    number = roll_back_model(given.alias, given.why, who(), settings)
    told = f"Model {number} is the {given.alias} again."
    return {"alias": given.alias, "model": number}, told


def _delete(given: argparse.Namespace, settings: Settings) -> tuple[Any, str]:
    from engine.actions.models import delete_model

    number = delete_model(given.model, who(), settings)
    return {"deleted": number}, f"Model {number} and its files are deleted."


def _unit(model: dict[str, Any]) -> str:
    return "bytes" if (model["spec"] or {}).get("by_bytes") else "results"


def _short(value: Any) -> str:  # noqa: ANN401 - any JSON
    text = value if isinstance(value, str) else json.dumps(value)
    return text if len(text) <= 100 else f"{text[:97]}..."
