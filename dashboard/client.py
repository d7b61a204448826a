"""What the pages ask of the engine, and what became of it: a result or one sentence.

Nothing here raises; a page shows `Outcome.sentence` and never a traceback.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from engine import actions
from engine.errors import EngineError

WHO = "dashboard"
DOWN = frozenset({"stopped", "failed"})
"""States of a service that does nothing."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """Whether something that was asked happened, what came of it, and the sentence to show."""

    done: bool
    sentence: str = ""
    value: Any = None


@dataclass(frozen=True, slots=True)
class Service:
    """One service as a person reads it; `since` in seconds since the epoch."""

    name: str
    state: str
    since: float
    title: str = ""
    description: str = ""
    why: str = ""
    restarts: int = 0
    pid: int | None = None


@dataclass(frozen=True, slots=True)
class EngineView:
    """The running engine: who owns it, since when, and its services."""

    owner: str
    since: float
    pid: int | None
    state: str
    services: tuple[Service, ...]
    facts: Mapping[str, Any]

    @property
    def is_ours(self) -> bool:
        """Whether the engine ends with this dashboard."""
        return self.owner == WHO

    @property
    def stopped_at(self) -> float | None:
        """When the last service stopped, in seconds since the epoch; None while any is up."""
        up = any(service.state not in DOWN for service in self.services)
        return None if up else max((service.since for service in self.services), default=None)

    def service(self, name: str) -> Service | None:
        """One service by name."""
        return next((service for service in self.services if service.name == name), None)


def ask(action: Callable[..., Any], *args: Any, **options: Any) -> Outcome:  # noqa: ANN401
    """Call an action; a refusal becomes its own sentence."""
    try:
        return Outcome(True, "", action(*args, **options))
    except EngineError as error:
        return Outcome(False, str(error))
    except (OSError, TimeoutError) as error:
        return Outcome(False, f"The engine did not answer ({error}); is it running?")


def engine() -> EngineView | None:
    """The running engine, or None when none answers."""
    found = ask(actions.status)
    return view(found.value) if found.done and found.value else None


def stands_still() -> bool:
    """Whether nothing runs that could make anything new: no engine, or all services stopped."""
    running = engine()
    return running is None or running.stopped_at is not None


def view(status: Mapping[str, Any]) -> EngineView:
    """Read the status that the engine's control socket gives."""
    about = status["engine"]
    return EngineView(
        owner=str(about["owner"]),
        since=float(about["since"]),
        pid=about.get("pid"),
        state=str(about.get("state", "running")),
        services=tuple(_service(fields) for fields in status["services"]),
        facts=about,
    )


def _service(fields: Mapping[str, Any]) -> Service:
    return Service(
        name=str(fields["name"]),
        state=str(fields["state"]),
        since=float(fields["since"]),
        title=str(fields.get("title") or fields["name"]),
        description=str(fields.get("description") or ""),
        why=str(fields.get("why") or ""),
        restarts=int(fields.get("restarts") or 0),
        pid=fields.get("pid"),
    )


def events_after(number: int) -> list[dict[str, Any]]:
    """What the running engine has told after its event `number`, oldest first."""
    outcome = ask(actions.events, number)
    return list(outcome.value["events"]) if outcome.done else []


def who() -> str:
    """The name that the audit keeps for what a page asked."""
    return f"{WHO}:{os.getpid()}"


def start_engine() -> Outcome:
    """Attach to a running engine, or start one that ends with this dashboard."""
    return ask(actions.ensure_engine, owner=WHO)


def queue() -> Outcome:
    """The prediction queue now: totals, `newest` records (newest first), `clock_error_ms`."""
    return ask(actions.queue_status)
