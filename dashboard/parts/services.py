"""State and owner of every service, and what happened to them."""

from __future__ import annotations

import time

import pandas as pd
import streamlit as st

from dashboard import client
from dashboard.parts import shell
from engine.services import SERVICES

NO_BREAK = "\u00a0"
SIGNS = {
    "running": ":green-badge[:material/check_circle: running]",
    "starting": ":blue-badge[:material/progress_activity: starting]",
    "degraded": ":orange-badge[:material/warning: degraded]",
    "standby": ":violet-badge[:material/pause_circle: standby]",
    "stopped": ":gray-badge[:material/stop_circle: stopped]",
    "failed": ":red-badge[:material/error: failed]",
}
LEVELS = {"info": "gray", "warning": "orange", "error": "red", "over": "green"}


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
        {
            "Service": f"**{(service.title or service.name).replace(' ', NO_BREAK)}**",
            "State": SIGNS.get(service.state, service.state),
            "For": ago(time.time() - service.since),
            "Restarts": str(service.restarts),
            "Why, or what it does": cell(service.why) if service.why else _does(service),
        }
        for service in engine.services
    ]
    st.table(pd.DataFrame(rows), hide_index=True, border="horizontal", alt="State of every service")


def _does(service: client.Service) -> str:
    return f":small[:gray[{cell(service.description)}]]"


def cell(text: str) -> str:
    """Text of a program as harmless Markdown."""
    for sign in "\\|:*_[]`$":
        text = text.replace(sign, f"\\{sign}")
    return text.replace("\n", " ").replace("<", "&lt;") or "-"


def event_strip(events: pd.DataFrame, limit: int = 8) -> None:
    """What happened, newest first, each fault with its recovery, readable without hovering."""
    if events.empty:
        st.caption("Nothing happened in this window.")
        return
    rows = []
    for row in events.head(limit).to_dict("records"):
        name = str(row["service"])
        title = SERVICES[name].title if name in SERVICES else name.capitalize()
        shade = LEVELS.get(str(row["level"]), "gray")
        rows.append(
            {
                "Time": cell(shell.clock(float(row["at"]))),
                "Service": f":{shade}-badge[{title.replace(' ', NO_BREAK)}]",
                "Event": cell(str(row["message"])),
            }
        )
    st.table(pd.DataFrame(rows), hide_index=True, border="horizontal", alt="Newest events")
    if len(events) > limit:
        st.caption(f"{len(events) - limit} older ones in this window; the logs have them all.")
