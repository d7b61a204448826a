"""The command line: `python -m engine up|down|status|…`.

Exit codes: 0 done, 1 a check or a job failed, 2 refused or not possible (one sentence on standard
error), 3 another engine holds the data folder.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from engine.commands import COMMANDS
from engine.errors import EngineError, EngineRuns, JobError
from engine.registry import resolve
from engine.settings import Settings, load_settings
from engine.terminal import ago, rows, say, show_status, who

Command = Callable[[argparse.Namespace, Settings], int]


def up(given: argparse.Namespace, settings: Settings) -> int:
    """Start the engine here, or detached."""
    from engine import actions
    from engine.actions.engine import ANOTHER_RUNS
    from engine.control import is_running

    if given.detach:
        if is_running(settings):
            say("The engine runs already.")
            return show_status(actions.status(settings))
        return show_status(actions.up_detached(who(), settings))
    try:
        # Who launches it for somebody names its owner, and notes itself who that was.
        actions.up(
            settings, given.owner or "terminal", given.owner_fd, "" if given.owner else who()
        )
    except EngineRuns as error:
        sys.stderr.write(f"{error}\n")
        return ANOTHER_RUNS


def down(_given: argparse.Namespace, settings: Settings) -> int:
    """Stop the engine."""
    from engine import actions

    actions.down(who(), settings)
    say("The engine has stopped.")
    return 0


def status(given: argparse.Namespace, settings: Settings) -> int:
    """Show the engine and its services."""
    from engine import actions

    found = actions.status(settings)
    if given.json:
        say(json.dumps(found, indent=1))
        return 0
    return show_status(found)


def steer(given: argparse.Namespace, settings: Settings) -> int:
    """Start, stop or restart services; none named: all of them."""
    from engine import actions
    from engine.supervision.verbs import ALL

    act = {
        "start": actions.start_service,
        "stop": actions.stop_service,
        "restart": actions.restart_service,
    }[given.command]
    found: dict[str, Any] = {}
    for name in given.services or [ALL]:
        found = act(name, who(), settings)
    return show_status(found)


def logs(given: argparse.Namespace, settings: Settings) -> int:
    """Print the end of a log, and follow it if asked."""
    from engine.actions.logs import log_file, tail_log

    for line in tail_log(given.service, given.lines, given.level, settings):
        say(line)
    if not given.follow:
        return 0
    path = log_file(given.service, settings)
    place = path.stat().st_size if path.exists() else 0
    while True:
        time.sleep(0.3)
        size = path.stat().st_size if path.exists() else 0
        if size == place:
            continue
        with path.open(errors="replace") as file:
            file.seek(place if size > place else 0)  # smaller: the log was rotated
            sys.stdout.write(file.read())
            sys.stdout.flush()
            place = file.tell()


def tune(given: argparse.Namespace, settings: Settings) -> int:
    """Show tunables, or set one."""
    from engine import actions as act

    if given.name and given.value is not None:
        value = act.parse_value(given.name, given.value)
        say(f"{given.name} = {act.set_tunable(given.name, value, who(), settings)}")
        return 0
    found = [t for t in act.tunables(settings) if not given.name or t["name"] == given.name]
    if given.name and not found:
        act.parse_value(given.name, "")
    lines = [(t["name"], t["value"], t["unit"], t["default"], t["help"]) for t in found]
    say(rows(("TUNABLE", "VALUE", "UNIT", "DEFAULT", "MEANING"), lines))
    return 0


def doctor(_given: argparse.Namespace, settings: Settings) -> int:
    """Check everything that an engine needs."""
    from engine.doctor import examine

    findings = list(examine(settings))
    say(rows(("", "CHECK", "FOUND"), [(f.verdict, f.check, f.found) for f in findings]))
    for finding in findings:
        if finding.advice:
            say(f"-> {finding.check}: {finding.advice}")
    return 1 if any(f.verdict == "fail" for f in findings) else 0


def jobs(given: argparse.Namespace, settings: Settings) -> int:
    """List jobs, start one or cancel one."""
    from engine import actions as act

    if given.params and not given.start:
        raise JobError(
            f"{given.params[0]!r} is a parameter of no job; write --start KIND before it, or "
            "leave it out to list the jobs."
        )
    if given.start:
        say(act.start_job(given.start, _params(given.params), who(), settings))
    elif given.cancel:
        act.cancel_job(given.cancel, who(), settings)
        say(f"Job {given.cancel} was asked to end.")
    else:
        _show_jobs(act.jobs(given.limit, settings))
    return 0


def _show_jobs(found: Sequence[Mapping[str, Any]]) -> None:
    from engine.job_words import note

    if not found:
        say("No job has run yet.")
        return
    lines = [
        (j["id"], j["kind"], j["state"], f"{j['progress']:.0%}", ago(j["created_at"]), note(j))
        for j in found
    ]
    say(rows(("JOB", "KIND", "STATE", "DONE", "AGE", "MESSAGE"), lines))


def _params(pairs: Sequence[str]) -> dict[str, Any]:
    params: dict[str, Any] = {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not equals:
            raise JobError(f"{pair!r} is no parameter; write name=value.")
        try:
            params[name] = json.loads(value)
        except ValueError:
            params[name] = value
    return params


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m engine", description="Start, watch and steer the engine."
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")

    def add(name: str, run: Command, text: str) -> argparse.ArgumentParser:
        made = commands.add_parser(name, help=text, description=text)
        made.set_defaults(run=run)
        return made

    start = add("up", up, "Start the engine; Ctrl-C stops it.")
    start.add_argument("--detach", action="store_true", help="come back; `down` stops it")
    start.add_argument("--owner", help=argparse.SUPPRESS)
    start.add_argument("--owner-fd", type=int, help=argparse.SUPPRESS)
    add("down", down, "Stop the engine and all its services.")
    shown = add("status", status, "Show the engine, its services and why they are as they are.")
    shown.add_argument("--json", action="store_true", help="as JSON")
    for verb in ("start", "stop", "restart"):
        steered = add(verb, steer, f"{verb.capitalize()} services, all if none is named.")
        steered.add_argument("services", nargs="*", metavar="SERVICE")
    log = add("logs", logs, "Show the end of a log.")
    log.add_argument("service", nargs="?", default="engine", help="a service, engine, or job-ID")
    log.add_argument("-n", "--lines", type=int, default=50)
    log.add_argument("-l", "--level", default="DEBUG", help="this level and above")
    log.add_argument("-f", "--follow", action="store_true", help="go on as lines come")
    tuned = add("tune", tune, "Show tunables, or set one: tune NAME VALUE.")
    tuned.add_argument("name", nargs="?")
    tuned.add_argument("value", nargs="?")
    add("doctor", doctor, "Check settings, database, ports and versions, and say what to do.")
    job = add("jobs", jobs, "List jobs, start one or cancel one.")
    job.add_argument("--start", metavar="KIND")
    job.add_argument("params", nargs="*", metavar="NAME=VALUE", help="parameters of --start")
    job.add_argument("--cancel", metavar="ID")
    job.add_argument("--limit", type=int, default=20)
    for name in COMMANDS:
        resolve(COMMANDS, name, "command")(commands)
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Do one command; returns the exit code."""
    given = _parser().parse_args(arguments)
    try:
        return int(given.run(given, load_settings()))
    except EngineError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        # The reader of our output (`| head`) has seen enough.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
