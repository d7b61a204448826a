"""Buttons that start and stop services; what can be pressed follows from the services' states."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import streamlit as st

from dashboard import client
from dashboard.client import DOWN
from dashboard.parts import operating
from engine import actions


class Verb(NamedTuple):
    """A button for one service."""

    label: str
    icon: str
    action: str
    """Its name in `engine.actions`, looked up when pressed."""
    done: str
    when_down: bool
    """Whether it can be pressed while the service is down."""


VERBS = (
    Verb("Start", "play_arrow", "start_service", "is starting", when_down=True),
    Verb("Stop", "stop", "stop_service", "has stopped", when_down=False),
    Verb("Restart", "restart_alt", "restart_service", "is restarting", when_down=False),
)


def controls(engine: client.EngineView) -> None:
    """Buttons for one service or all; what became of it shows as a toast or a sentence."""
    titles = {service.name: service.title or service.name for service in engine.services}
    down = [service for service in engine.services if service.state in DOWN]
    with st.container(horizontal=True, vertical_alignment="bottom"):
        name = st.selectbox(
            "Service", list(titles), key="service", width=190, format_func=lambda one: titles[one]
        )
        chosen = engine.service(str(name))
        is_down = chosen is not None and chosen.state in DOWN
        for verb in VERBS:
            if operating.button(
                verb.label,
                icon=f":material/{verb.icon}:",
                key=f"service-{verb.label.lower()}",
                disabled=is_down is not verb.when_down,
                help=_why_not(verb, titles[str(name)], is_down),
            ):
                _one(verb, str(name), titles[str(name)])
        st.space("small")
        if operating.button(
            "Start all",
            icon=":material/play_circle:",
            key="start-all",
            type="primary" if down else "secondary",
            disabled=not down,
            help=None if down else "Every service is up",
        ):
            start_everything()
        if operating.button(
            "Stop all",
            icon=":material/stop_circle:",
            key="stop-all",
            disabled=len(down) == len(engine.services),
            help="Recorded figures stay; **Start all** goes on from there",
        ):
            _all("Stopping all services …", "All services have stopped", actions.stop_all)


def start_everything() -> None:
    """Start whatever is down, and say so."""
    _all("Starting all services …", "All services are starting", actions.start_all)


def _why_not(verb: Verb, title: str, is_down: bool) -> str | None:
    if is_down is verb.when_down:
        return None
    return f"{title} is down" if is_down else f"{title} is up"


def _one(verb: Verb, name: str, title: str) -> None:
    """Ask once more how it stands: another viewer may have been faster."""
    now = client.engine()
    service = now.service(name) if now else None
    if service is not None and (service.state in DOWN) is not verb.when_down:
        st.toast(f"{title} is {service.state} already", icon=":material/info:")
        return
    with st.spinner(f"{verb.label}: {title} …", show_time=True):
        outcome = client.ask(getattr(actions, verb.action), name, who=client.who())
    _told(outcome, f"{title} {verb.done}")


def _all(waiting: str, done: str, act: Callable[..., Any]) -> None:
    with st.spinner(waiting, show_time=True):
        outcome = client.ask(act, who=client.who())
    _told(outcome, done)


def _told(outcome: client.Outcome, done: str) -> None:
    if outcome.done:
        st.toast(done, icon=":material/check:")
        st.rerun()
    st.error(outcome.sentence, icon=":material/error:")
