"""Whether the agent steers the cache: mode, hold, and a question before control is given."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from dashboard import client, data
from engine import actions
from engine.tunables import Tuned


def tuned() -> Tuned:
    """All tunables as they stand."""
    frame = data.tunables()
    return Tuned(dict(zip(frame["name"], frame["value"], strict=True)))


def set_value(name: str, value: object) -> None:
    """Change a tunable and say what became of it."""
    outcome = client.ask(actions.set_tunable, name, value, who=client.who())
    data.tunables.clear()
    if outcome.done:
        st.toast(f"{name} = {outcome.value}", icon=":material/check:")
    else:
        st.toast(outcome.sentence, icon=":material/error:", duration="long")


def effective(mode: str, source: data.SourceRow) -> str:
    """What `auto` means for this source."""
    if mode != "auto":
        return mode
    return "advise" if source.is_own else "control"


def controls(source: data.SourceRow) -> None:
    """One line: what the agent may do, and the buttons that change it."""
    values = tuned()
    mode = effective(values.text("agent.mode"), source)
    held = values.flag("agent.hold")
    with st.container(horizontal=True, vertical_alignment="center"):
        if held:
            st.badge("held: publishes nothing new", icon=":material/pause:", color="orange")
        elif mode == "control":
            st.badge("controls the cache", icon=":material/bolt:", color="green")
        else:
            st.badge("advises only", icon=":material/visibility:", color="blue")
        if mode == "advise":
            if st.button("Give control …", key="agent-control", icon=":material/bolt:"):
                _confirm(source)
        elif st.button("Back to advice", key="agent-advise", icon=":material/visibility:"):
            set_value("agent.mode", "advise")
            st.rerun()
        if st.button(
            "Release" if held else "Hold",
            key="agent-hold",
            icon=":material/play_arrow:" if held else ":material/pause:",
            help="Hold: decisions in force run out, none are published; plain LRU takes over",
        ):
            set_value("agent.hold", not held)
            st.rerun()
        st.caption(
            f"Learning rate {values.number('agent.learning_rate'):g}, discount "
            f"{values.number('agent.discount'):g}; change them on **System**."
        )


HELD_BACK = "not published: "


def why_held(decisions: pd.DataFrame) -> str:
    """The guard's sentence in the newest decision's reason; empty where there is none."""
    _, found, why = str(decisions["reason"].iloc[0]).rpartition(HELD_BACK)
    return why if found else ""


def standing(source: data.SourceRow, decisions: pd.DataFrame) -> None:
    """Say why when the agent may control but its decisions are held back."""
    values = tuned()
    may = effective(values.text("agent.mode"), source) == "control"
    if not may or values.flag("agent.hold") or decisions.empty:
        return
    if not bool(decisions["published"].iloc[0]):
        why = why_held(decisions) or "the newest decisions are not published"
        st.caption(
            f":orange[:material/shield: Held back: {why}.] The cache runs as plain LRU; the agent "
            "goes on deciding in shadow, and steers again once that saves as much."
        )


@st.dialog("Give the agent control?")
def _confirm(source: data.SourceRow) -> None:
    whose = "your own system's" if source.is_own else "the sample's"
    st.markdown(
        f"From the next interval on, decisions are **published** and steer {whose} cache. "
        "Plain LRU takes over whenever no decision is valid; **Hold** stops it at once."
    )
    with st.container(horizontal=True, horizontal_alignment="right"):
        if st.button("Cancel", key="agent-control-no"):
            st.rerun()
        if st.button("Give control", type="primary", key="agent-control-yes"):
            set_value("agent.mode", "control")
            st.rerun()
