"""Whether the agent steers the cache: mode, hold, and a question before control is given."""

from __future__ import annotations

from typing import Any, Literal, NamedTuple

import pandas as pd
import streamlit as st

from dashboard import client, data
from dashboard.client import DOWN
from dashboard.parts import operating, telling
from dashboard.parts.services import cell
from engine import actions
from engine.tunables import TUNABLES, Tuned

MODES = {
    "advise": "The agent advises only from now on",
    "control": "The agent controls the cache from now on",
    "auto": "The agent controls the sample's cache, and advises on your own system",
}


class Standing(NamedTuple):
    """Whether the agent steers, as one badge: its words, icon and colour, and the reason."""

    words: str
    icon: str
    colour: Literal["green", "blue", "orange"]
    why: str = ""


def tuned() -> Tuned:
    """All tunables as they stand."""
    frame = data.tunables()
    return Tuned(dict(zip(frame["name"], frame["value"], strict=True)))


def set_value(name: str, value: object) -> None:
    """Change a tunable and say what became of it."""
    outcome = client.ask(actions.set_tunable, name, value, who=client.who())
    data.tunables.clear()
    if outcome.done:
        st.toast(_said(name, outcome.value), icon=":material/check:")
    else:
        st.toast(outcome.sentence, icon=":material/error:", duration="long")


def _give_control() -> None:
    outcome = client.ask(actions.set_tunable, "agent.mode", "control", who=client.who())
    data.tunables.clear()
    telling.keep(outcome, MODES["control"])


def _said(name: str, value: object) -> str:
    """What a change means, in words; never the tunable's name alone."""
    if name == "agent.hold":
        return "The agent is on hold" if value else "The agent is released"
    if name == "agent.mode" and value in MODES:
        return MODES[str(value)]
    known = TUNABLES.get(name)
    if known is None:
        return f"{name} is now {value}"
    shown = ("on" if value else "off") if isinstance(value, bool) else value
    return f"{known.help}: now {shown} {known.unit}".rstrip()


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
        if mode == "advise":
            if operating.button("Give control …", key="agent-control", icon=":material/bolt:"):
                _confirm(source)
        elif operating.button("Back to advice", key="agent-advise", icon=":material/visibility:"):
            set_value("agent.mode", "advise")
            st.rerun()
        if operating.button(
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


def standing_of(mode: str, held: bool, decisions: pd.DataFrame, *, up: bool = True) -> Standing:
    """How the agent stands: by what is allowed, and by what the newest decisions came to."""
    if not up:
        return Standing("the agent is stopped", "stop_circle", "orange", "nothing is decided")
    if mode != "control":
        return Standing("advises only", "visibility", "blue", "decisions are judged in shadow")
    if held:
        return Standing("control, on hold", "pause", "orange", "nothing new is published")
    if not decisions.empty and not bool(decisions["published"].iloc[0]):
        why = why_held(decisions) or "the newest decisions are not published"
        return Standing("control, suspended", "shield", "orange", why)
    return Standing("controls the cache", "bolt", "green")


def agent_is_up() -> bool:
    """Whether an engine runs whose agent is not down."""
    engine = client.shown_engine()
    service = engine.service("agent") if engine else None
    return engine is not None and (service is None or service.state not in DOWN)


def standing(source: data.SourceRow, decisions: pd.DataFrame) -> None:
    """One badge that says whether the agent steers the cache, and why not."""
    values = tuned()
    mode = effective(values.text("agent.mode"), source)
    now = standing_of(mode, values.flag("agent.hold"), decisions, up=agent_is_up())
    badge = f":{now.colour}-badge[:material/{now.icon}: {now.words}]"
    if now.words == "control, suspended":
        st.markdown(
            f"{badge} {cell(now.why)}. The cache runs as plain LRU; the agent goes on deciding in "
            "shadow, and steers again once that saves as much."
        )
    else:
        st.markdown(f"{badge} {now.why}".rstrip())


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
        given: Any = {"on_click": _give_control}
        if operating.button("Give control", type="primary", key="agent-control-yes", **given):
            st.rerun()
