"""State and owner of every service, and the buttons that start and stop them."""

from __future__ import annotations

import time

import pandas as pd
import streamlit as st

from dashboard import client
from engine import actions

NO_BREAK = "\u00a0"
SIGNS = {
    "running": ":green-badge[:material/check_circle: running]",
    "starting": ":blue-badge[:material/progress_activity: starting]",
    "degraded": ":orange-badge[:material/warning: degraded]",
    "standby": ":violet-badge[:material/pause_circle: standby]",
    "stopped": ":gray-badge[:material/stop_circle: stopped]",
    "failed": ":red-badge[:material/error: failed]",
}


def ago(seconds: float) -> str:
    """A duration in the largest fitting unit."""
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "min")):
        if seconds >= size:
            return f"{seconds / size:.0f}{NO_BREAK}{unit}"
    return f"{max(seconds, 0):.0f}{NO_BREAK}s"


def owner_line(engine: client.EngineView) -> str:
    """Who owns the engine, and what that means for its end."""
    since = f"for {ago(time.time() - engine.since)}"
    if engine.is_ours:
        return f"Engine running {since}, owned by a dashboard: it ends within two seconds of it."
    return f"Engine running {since}, owned by the {engine.owner}: it outlives the dashboard."


def table(engine: client.EngineView) -> None:
    """One line a service: state, since when, why."""
    rows = [
        "| Service | State | For | Restarts | Why |",
        "|:--|:--|--:|--:|:--|",
        *(_row(service) for service in engine.services),
    ]
    st.markdown("\n".join(rows))


def _row(service: client.Service) -> str:
    title = (service.title or service.name).replace(" ", NO_BREAK)
    state = SIGNS.get(service.state, service.state)
    age = ago(time.time() - service.since)
    return f"| **{title}** | {state} | {age} | {service.restarts} | {_cell(service.why)} |"


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ").replace("<", "&lt;") or "-"


def controls(engine: client.EngineView) -> None:
    """Buttons for one service or all; what became of it shows as a toast or a sentence."""
    titles = {service.name: service.title or service.name for service in engine.services}
    with st.container(horizontal=True, vertical_alignment="bottom"):
        name = st.selectbox(
            "Service", list(titles), key="service", width=190, format_func=lambda one: titles[one]
        )
        for verb, icon, act in (
            ("Start", "play_arrow", actions.start_service),
            ("Stop", "stop", actions.stop_service),
            ("Restart", "restart_alt", actions.restart_service),
        ):
            if st.button(verb, icon=f":material/{icon}:", key=f"service-{verb.lower()}"):
                _do(f"{verb} {name}", client.ask(act, name, who=client.who()))
        st.space("small")
        if st.button("Start all", icon=":material/play_circle:", key="start-all", type="primary"):
            with st.spinner("Starting all services …", show_time=True):
                _do("Start all", client.ask(actions.start_all, who=client.who()))
        if st.button("Stop all", icon=":material/stop_circle:", key="stop-all"):
            with st.spinner("Stopping all services …", show_time=True):
                _do("Stop all", client.ask(actions.stop_all, who=client.who()))


def _do(what: str, outcome: client.Outcome) -> None:
    if outcome.done:
        st.toast(f"{what}: done", icon=":material/check:")
    else:
        st.error(outcome.sentence, icon=":material/error:")


def event_strip(events: pd.DataFrame, limit: int = 8) -> None:
    """The newest events, newest first, readable without hovering."""
    if events.empty:
        st.caption("No events in this window.")
        return
    colours = {"info": "gray", "warning": "orange", "error": "red"}
    lines = []
    for row in events.head(limit).to_dict("records"):
        clock = time.strftime("%H:%M:%S", time.localtime(row["at"]))
        colour = colours.get(str(row["level"]), "gray")
        lines.append(
            f"| {clock} | :{colour}-badge[{row['service']}] | {_cell(str(row['message']))} |"
        )
    st.markdown("\n".join(["| Time | Service | Event |", "|:--|:--|:--|", *lines]))
