"""What a person may do with services: look, start, stop, restart."""

from __future__ import annotations

import time
from typing import Any

from engine.actions.store import audited, given
from engine.control import call
from engine.errors import ControlError
from engine.records import ServiceState
from engine.settings import Settings
from engine.supervision.verbs import ALL

WAIT_S = 15.0
"""How long stop and restart wait to be able to say how it went."""


def status(settings: Settings | None = None) -> dict[str, Any]:
    """The engine, its services (state, why, since) and its running jobs.

    Raises:
        ControlError: no engine runs.
    """
    reply: dict[str, Any] = call(given(settings), "status")
    return reply


def start_service(
    name: str, who: str = "terminal", settings: Settings | None = None
) -> dict[str, Any]:
    """Start a service that is stopped or failed; returns the status."""
    return _ask(given(settings), who, "start", name)


def stop_service(
    name: str, who: str = "terminal", settings: Settings | None = None
) -> dict[str, Any]:
    """Stop a service and wait until it has ended; returns the status."""
    known = given(settings)
    _ask(known, who, "stop", name)
    return _wait_until_stopped(known, name)


def restart_service(
    name: str, who: str = "terminal", settings: Settings | None = None
) -> dict[str, Any]:
    """Stop and start a service; returns the status at once."""
    return _ask(given(settings), who, "restart", name)


def start_all(who: str = "terminal", settings: Settings | None = None) -> dict[str, Any]:
    """Start every service that does not run; returns the status."""
    return _ask(given(settings), who, "start", ALL)


def stop_all(who: str = "terminal", settings: Settings | None = None) -> dict[str, Any]:
    """Stop every service in reverse order; the engine itself goes on; returns the status."""
    known = given(settings)
    _ask(known, who, "stop", ALL)
    return _wait_until_stopped(known, ALL)


def events(after: int = 0, settings: Settings | None = None) -> dict[str, Any]:
    """What happened to the services after the event numbered `after`."""
    reply: dict[str, Any] = call(given(settings), "events", after=after)
    return reply


def _ask(settings: Settings, who: str, verb: str, name: str) -> dict[str, Any]:
    with audited(settings, who, f"{verb} service", {"name": name}):
        reply: dict[str, Any] = call(settings, verb, name=name)
    return reply


def _wait_until_stopped(settings: Settings, name: str) -> dict[str, Any]:
    deadline = time.monotonic() + WAIT_S
    while True:
        now = status(settings)
        over = (ServiceState.STOPPED, ServiceState.FAILED)
        alive = [s["name"] for s in now["services"] if s["state"] not in over]
        if not (alive if name == ALL else name in alive):
            return now
        if any(s["wanted"] for s in now["services"] if name in (ALL, s["name"])):
            return now  # somebody started it again meanwhile
        if time.monotonic() > deadline:
            raise ControlError(f"{', '.join(alive)} did not end within {WAIT_S:g} s.")
        time.sleep(0.05)
