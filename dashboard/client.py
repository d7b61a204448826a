"""What the pages ask of the engine, and what became of it: a result or one sentence.

Nothing here raises; a page shows `Outcome.sentence` and never a traceback. Whatever a page asks is
asked as its visitor, so that an action refuses who may only look, whatever the page let them press.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import streamlit as st

from dashboard import visitors
from engine import actions
from engine.actions.roles import acting
from engine.errors import EngineError

WHO = "dashboard"
FRESH_S = 0.5
"""How old a status may be: a page asks for it at a dozen places, and so do all who look on."""
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
    """Call an action as the page's visitor; a refusal becomes its own sentence."""

    def asked() -> Any:  # noqa: ANN401 - whatever the action gives
        with acting(visitors.current().actor):
            return action(*args, **options)

    outcome = told(asked)
    shown_engine.clear()  # who has changed something sees what became of it
    return outcome


def told(action: Callable[[], Any]) -> Outcome:
    """Call what nobody at a page asked for; an error becomes its own sentence."""
    try:
        return Outcome(True, "", action())
    except EngineError as error:
        return Outcome(False, str(error))
    except (OSError, TimeoutError) as error:
        return Outcome(False, f"The engine did not answer ({error}); is it running?")


def engine() -> EngineView | None:
    """The running engine now, or None when none answers."""
    found = told(actions.status)
    return view(found.value) if found.done and found.value else None


@st.cache_resource(ttl=FRESH_S, show_spinner=False)
def shown_engine() -> EngineView | None:
    """The same for what is redrawn all the time: up to `FRESH_S` old, one for all who look on."""
    return engine()


def stands_still() -> bool:
    """Whether nothing runs that could make anything new: no engine, or all services stopped."""
    running = shown_engine()
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
    outcome = told(lambda: actions.events(number))
    return list(outcome.value["events"]) if outcome.done else []


def who() -> str:
    """The name that is kept for what a page asked."""
    return visitors.current().actor.name


def start_engine() -> Outcome:
    """Attach to a running engine, or start one that ends with this dashboard, for a visitor."""
    return ask(actions.ensure_engine, owner=WHO, who=who())


def start_own_engine() -> Outcome:
    """The same for the dashboard itself, before anybody comes."""
    return told(lambda: actions.ensure_engine(owner=WHO))


def release_engine() -> Outcome:
    """End the engine that this dashboard started; another's goes on."""
    return told(actions.release_engine)


def queue() -> Outcome:
    """The prediction queue now: totals, `newest` records (newest first), `clock_error_ms`."""
    return told(actions.queue_status)
