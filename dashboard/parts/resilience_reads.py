"""Cached, bounded reads of resilience runs, and the words for their verdicts."""

from __future__ import annotations

import streamlit as st

from dashboard import client, data, stored
from engine.actions import resilience as act

MOST = 50
KINDS = ["resilience"]
BADGES = {
    "pass": ":green-badge[:material/check: pass]",
    "fail": ":red-badge[:material/close: fail]",
    "unknown": ":orange-badge[:material/question_mark: unknown]",
}
MARKS = {"pass": "✓ pass", "fail": "✗ fail", "unknown": "? unknown", "": "…"}


@st.cache_data(ttl=3600, show_spinner=False, max_entries=2)
def scenarios() -> list[stored.Row]:
    """Every scenario with its parameters."""
    return act.scenarios()


@st.cache_data(ttl=data.FRESH_S, show_spinner=False, max_entries=2)
def runs() -> list[stored.Row]:
    """The newest runs, newest first, without their curves."""
    return act.runs(MOST, data.settings())


@st.cache_data(ttl=data.FRESH_S, show_spinner=False, max_entries=8)
def run(id_: str) -> client.Outcome:
    """One run with findings and curves; or why not."""
    return client.told(lambda: act.run(id_, data.settings()))


@st.cache_data(ttl=data.FRESH_S, show_spinner=False, max_entries=8)
def differences(first: str, second: str) -> client.Outcome:
    """What differs between two runs."""
    return client.told(lambda: act.compare_runs(first, second, data.settings()))


def title(name: str) -> str:
    """A scenario as people call it."""
    return next((str(one["title"]) for one in scenarios() if one["name"] == name), name)


def standing(row: stored.Row) -> str:
    """A run's verdict, or its state while it has none, as a badge."""
    if row["state"] != "done":
        shade = "blue" if row["state"] == "running" else "gray"
        return f":{shade}-badge[{row['state']}]"
    return BADGES.get(str(row["verdict"]), str(row["verdict"]))
