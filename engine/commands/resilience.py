"""`python -m engine resilience list|run|runs|show|compare|report`."""

from __future__ import annotations

import argparse
import json
import signal
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from engine.errors import ResilienceError
from engine.settings import Settings
from engine.terminal import rows, say, who

_TEXT = "Break a private copy of the pipeline, or the live one, and judge what it did."


def add(commands: Any) -> None:  # noqa: ANN401 - argparse keeps its class of subparsers private
    """Declare the command."""
    parser = commands.add_parser("resilience", help=_TEXT, description=_TEXT)
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")

    def verb(name: str, text: str) -> argparse.ArgumentParser:
        made: argparse.ArgumentParser = verbs.add_parser(name, help=text, description=text)
        made.add_argument("--json", action="store_true", help="as JSON")
        made.set_defaults(run=run)
        return made

    verb("list", "The scenarios and their parameters.")
    ran = verb("run", "Run one or several; exit code 1 unless all pass.")
    ran.add_argument("names", nargs="*", metavar="NAME")
    ran.add_argument("--all", action="store_true", help="every scenario")
    ran.add_argument("--quick", action="store_true", help="the form of at most five seconds")
    ran.add_argument("--param", action="append", default=[], metavar="NAME=VALUE")
    ran.add_argument("--backend", default="", help="of the private queue: manager or redis")
    ran.add_argument("--live", action="store_true", help="harm the running engine, not a copy")
    ran.add_argument("--confirm", default="", metavar="WORD", help="what --live asks for")
    ran.add_argument("--job", action="store_true", help="under the running engine")
    verb("runs", "The newest runs.").add_argument("-n", "--limit", type=int, default=20)
    verb("show", "One run: what each checker saw.").add_argument("id")
    compared = verb("compare", "What differs between two runs.")
    compared.add_argument("first")
    compared.add_argument("second")
    written = verb("report", "Write a run's HTML report.")
    written.add_argument("id")
    written.add_argument("file", type=Path)


def run(given: argparse.Namespace, settings: Settings) -> int:
    """Do one verb."""
    from engine.actions import resilience as act

    if given.verb == "run":
        return _run(given, settings)
    if given.verb == "report":
        _write(given.file, act.report(given.id, settings))
        say(f"The report is in {given.file}.")
        return 0
    found: Any
    if given.verb == "list":
        found, words = act.scenarios(), _listed(act.scenarios())
    elif given.verb == "runs":
        if given.limit < 1:
            raise ResilienceError(f"limit is {given.limit}; give a number from 1 on.")
        found = act.runs(given.limit, settings)
        words = _runs(found)
    elif given.verb == "show":
        found = act.run(given.id, settings)
        words = _shown(found)
    else:
        found = act.compare_runs(given.first, given.second, settings)
        lines = [(one["what"], one["first"], one["second"]) for one in found]
        words = rows(("WHAT", given.first, given.second), lines)
    say(json.dumps(found, indent=1) if given.json else words)
    return 0


def _run(given: argparse.Namespace, settings: Settings) -> int:
    from engine.actions import resilience as act

    if bool(given.names) == given.all:
        raise ResilienceError("Name one or several scenarios, or give --all.")
    params = _params(given.param)
    chosen = {"quick": given.quick, "backend": given.backend, "confirm": given.confirm,
              "scope": "live" if given.live else "copy"}  # fmt: skip
    if given.job:
        say(act.start_tests(given.names, params, **chosen, who=who(), settings=settings))
        return 0
    ended = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda _number, _frame: ended.set())

    def tell(name: str, words: str) -> None:
        if not given.json and sys.stderr.isatty():
            sys.stderr.write(f"{name}: {words}\n")

    found = act.run_tests(
        given.names, params, **chosen, who=who(), settings=settings,
        cancelled=ended.is_set, tell=tell,
    )  # fmt: skip
    say(json.dumps(found, indent=1) if given.json else _judged(found))
    return 0 if all(one["verdict"] == "pass" for one in found) else 1


def _write(file: Path, text: str) -> None:
    try:
        file.write_text(text, encoding="utf-8")
    except OSError as error:
        raise ResilienceError(
            f"{file} cannot be written ({error.strerror}); name another."
        ) from None


def _params(pairs: Sequence[str]) -> dict[str, float]:
    found: dict[str, float] = {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        try:
            found[name] = float(value)
        except ValueError:
            equals = ""
        if not equals:
            raise ResilienceError(f"{pair!r} is no parameter; write name=number.")
    return found


def _listed(found: Sequence[Mapping[str, Any]]) -> str:
    lines = []
    for one in found:
        live = " (live as well)" * one["live"]
        lines.append((one["name"], "", "", one["question"] + live))
        lines += [
            (f"  {p['name']}", f"{p['default']:g} {p['unit']}", f"{p['low']:g} to {p['high']:g}",
             p["help"])
            for p in one["parameters"]
        ]  # fmt: skip
    return rows(("SCENARIO", "DEFAULT", "RANGE", "MEANING"), lines)


def _judged(found: Sequence[Mapping[str, Any]]) -> str:
    lines = [
        (one["scenario"], one["verdict"], f"{one['seconds']:.1f} s", _why(one)) for one in found
    ]
    return rows(("SCENARIO", "VERDICT", "TOOK", "WHY"), lines)


def _why(one: Mapping[str, Any]) -> str:
    wrong = [f for f in one["findings"] if f["verdict"] != "pass"]
    told = "; ".join(f"{f['checker']}: {f['evidence']} (asked: {f['threshold']})" for f in wrong)
    return told or f"{len(one['findings'])} checks passed"


def _runs(found: Sequence[Mapping[str, Any]]) -> str:
    if not found:
        return "No test has been run yet; `python -m engine resilience run NAME`."
    lines = [
        (one["id"], one["scenario"], one["backend"], one["scope"], one["state"],
         one["verdict"], f"{one['seconds']:.1f} s",
         time.strftime("%Y-%m-%d %H:%M", time.localtime(one["began_at"])))
        for one in found
    ]  # fmt: skip
    return rows(("RUN", "SCENARIO", "QUEUE", "SCOPE", "STATE", "VERDICT", "TOOK", "BEGAN"), lines)


def _shown(one: Mapping[str, Any]) -> str:
    lines = [(f["checker"], f["verdict"], f["evidence"], f["threshold"]) for f in one["findings"]]
    head = f"{one['scenario']}: {one['verdict'] or one['state']} {one['note']}".rstrip()
    return f"{head}\n\n{rows(('CHECK', 'VERDICT', 'SEEN', 'ASKED FOR'), lines)}"
