"""Every tunable with a widget that cannot leave its range, and who changed it last."""

from __future__ import annotations

import time
from typing import Any

import streamlit as st

from dashboard import data
from dashboard.parts import operating
from dashboard.parts.agent_controls import set_value, tuned
from dashboard.parts.services import ago
from engine.tunables import TUNABLES, Tunable, Value

GROUPS = {"agent": "Agent", "forecast": "Forecaster", "traffic": "Sample traffic"}
SPELT = {"1/s": "per second"}


def editor() -> None:
    """One group after another; a change holds from the service's next interval on."""
    st.caption("A change holds from the next interval on, for every engine on this store.")
    values, changed = tuned(), _changed()
    for prefix, title in GROUPS.items():
        st.markdown(f"**{title}**")
        with st.grid(3, min_column_width=260, gap="medium"):
            for name, tunable in TUNABLES.items():
                if name.startswith(f"{prefix}."):
                    with st.container(border=True, height="stretch", gap="xsmall"):
                        _widget(name, tunable, values[name])
                        st.caption(changed.get(name, f"default · {name}"))


def _changed() -> dict[str, str]:
    rows = data.tunables().to_dict("records")
    return {
        str(row["name"]): f"{row['who']}, {ago(time.time() - float(row['at']))} ago · "
        f"default {TUNABLES[str(row['name'])].default} · {row['name']}"
        for row in rows
        if str(row["name"]) in TUNABLES
    }


def _label(tunable: Tunable) -> str:
    """What it means, with its unit where the words do not say it."""
    said = SPELT.get(tunable.unit, tunable.unit)
    if not said or f" {said} " in f" {tunable.help.lower()} ":
        return tunable.help
    return f"{tunable.help} ({tunable.unit})"


def _widget(name: str, tunable: Tunable, value: Value) -> None:
    # The stored value is part of the key: a change made elsewhere shows here as well.
    key = f"tunable-{name}-{value}"
    label = _label(tunable)
    pressed: Any = {"key": key, "on_change": _changed_by_hand, "args": (name, key)}
    pressed |= operating.locked()
    if tunable.choices:
        choices = list(tunable.choices)
        st.selectbox(label, choices, choices.index(str(value)), **pressed)
    elif isinstance(tunable.default, bool):
        st.toggle(label, bool(value), **pressed)
    elif tunable.whole:
        low, high = int(tunable.low or 0), int(tunable.high or 0)
        st.number_input(label, low, high, int(value), 1, **pressed)
    else:
        least, most = float(tunable.low or 0), float(tunable.high or 0)
        step = 1.0 if most > 10 else 0.01  # rates and weights move in hundredths
        st.number_input(label, least, most, float(value), step, format="%g", **pressed)


def _changed_by_hand(name: str, key: str) -> None:
    set_value(name, st.session_state[key])
