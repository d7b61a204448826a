"""What the control socket understands: one function a verb, each answering at once."""

from __future__ import annotations

import difflib
from collections.abc import Callable
from typing import Any, Protocol

from engine.errors import ControlError
from engine.supervision.events import EventLog
from engine.supervision.jobs import Jobs
from engine.supervision.runner import Runner

ALL = "*"
"""The name that stands for every service."""

Arguments = dict[str, Any]


class Controlled(Protocol):
    """What a verb may do with the supervisor."""

    runners: dict[str, Runner]
    events: EventLog
    jobs: Jobs

    def describe(self) -> dict[str, Any]:
        """The engine itself."""

    def end(self, within_s: float | None = None) -> None:
        """Stop everything."""


def _runners(engine: Controlled, arguments: Arguments) -> list[Runner]:
    name = str(arguments.get("name", ALL))
    if name == ALL:
        return list(engine.runners.values())
    if name not in engine.runners:
        near = difflib.get_close_matches(name, engine.runners, n=1)
        hint = f" Did you mean {near[0]!r}?" if near else ""
        raise ControlError(
            f"There is no service {name!r}.{hint} Choose one of: {', '.join(engine.runners)}."
        )
    return [engine.runners[name]]


def _refuse_when_stopping(engine: Controlled) -> None:
    if engine.describe()["state"] == "stopping":
        raise ControlError("The engine is stopping; start it again afterwards.")


def status(engine: Controlled, _arguments: Arguments) -> dict[str, Any]:
    """The engine, its services and its jobs."""
    return {
        "engine": engine.describe(),
        "services": [runner.status() for runner in engine.runners.values()],
        "jobs": engine.jobs.status(),
    }


def start(engine: Controlled, arguments: Arguments) -> dict[str, Any]:
    """Start one service or all; those that run are left alone."""
    _refuse_when_stopping(engine)
    for runner in _runners(engine, arguments):
        runner.want()
    return status(engine, arguments)


def stop(engine: Controlled, arguments: Arguments) -> dict[str, Any]:
    """Stop one service or all (then in reverse order); the engine itself goes on."""
    for runner in _runners(engine, arguments):
        runner.unwant()
    return status(engine, arguments)


def restart(engine: Controlled, arguments: Arguments) -> dict[str, Any]:
    """Stop and start one service or all."""
    _refuse_when_stopping(engine)
    for runner in _runners(engine, arguments):
        runner.restart()
    return status(engine, arguments)


def events(engine: Controlled, arguments: Arguments) -> dict[str, Any]:
    """What happened after the event numbered `after`."""
    after = arguments.get("after", 0)
    if not isinstance(after, int):
        raise ControlError(f"`after` is {after!r}; give the number of an event.")
    return engine.events.after(after)


def run_job(engine: Controlled, arguments: Arguments) -> dict[str, Any]:
    """Start the process of the job `id`, whose row is in the store."""
    _refuse_when_stopping(engine)
    engine.jobs.start(str(arguments.get("id")), str(arguments.get("kind", "job")))
    return {"jobs": engine.jobs.status()}


def cancel_job(engine: Controlled, arguments: Arguments) -> dict[str, Any]:
    """Ask the job `id` to end."""
    engine.jobs.cancel(str(arguments.get("id")))
    return {"jobs": engine.jobs.status()}


def down(engine: Controlled, _arguments: Arguments) -> dict[str, Any]:
    """Stop everything, the engine included."""
    engine.end()
    return {"engine": engine.describe()}


VERBS: dict[str, Callable[[Controlled, Arguments], dict[str, Any]]] = {
    "status": status,
    "start": start,
    "stop": stop,
    "restart": restart,
    "events": events,
    "run_job": run_job,
    "cancel_job": cancel_job,
    "down": down,
}


def handle(engine: Controlled, verb: str, arguments: Arguments) -> dict[str, Any]:
    """Do what was asked.

    Raises:
        ControlError: no such verb, service or job, or it cannot be done now.
    """
    if verb not in VERBS:
        raise ControlError(f"There is no verb {verb!r}; choose one of: {', '.join(VERBS)}.")
    return VERBS[verb](engine, arguments)
