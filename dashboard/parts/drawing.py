"""Charts and cards on a page: a stable key, words for those who cannot see it, a sticky axis."""

from __future__ import annotations

import math

import pandas as pd
import streamlit as st

from dashboard.charts import spark
from dashboard.charts.panel import AnyChart, Panel, lines, nice_top
from dashboard.charts.shared import once
from dashboard.parts import shell
from dashboard.parts.states import empty


def chart(drawn: AnyChart, key: str, says: str) -> None:
    """Show a chart; `says` tells its takeaway to a screen reader."""
    st.altair_chart(drawn, width="stretch", key=key, alt=says)


def timeline(
    key: str,
    frame: pd.DataFrame,
    panel: Panel,
    *,
    waiting: str,
    events: pd.DataFrame | None = None,
    top: float | None = None,
    floor: float = 1.0,
) -> None:
    """Show series over the shared window; `top` fixes the y axis, else it is sticky."""
    reach = _reach(frame)
    if reach is None:
        empty(waiting, height=panel.height + 28)
        return
    bottom, (lowest, highest) = 0.0, reach
    if top is None:
        top = _sticky(f"axis-{key}", highest, floor)
        if lowest < 0:
            bottom = -_sticky(f"axis-{key}-low", -lowest, floor)
    drawn = lines(frame, panel, shell.span(), top, events, bottom)
    st.vega_lite_chart(drawn, width="stretch", key=key, alt=summary(frame, panel.title))


@once
def _reach(frame: pd.DataFrame) -> tuple[float, float] | None:
    """The lowest and the highest figure; None where there is none."""
    values = frame["value"].dropna() if not frame.empty else pd.Series()
    if values.empty:
        return None
    return float(values.min()), float(frame.get("high", values).max())


def _sticky(slot: str, reach: float, floor: float) -> float:
    """An axis end that a session keeps from tick to tick."""
    end = nice_top(reach, st.session_state.get(slot), floor)
    st.session_state[slot] = end
    return end


@once
def summary(frame: pd.DataFrame, title: str) -> str:
    """One sentence with the last value of every series."""
    last = frame[frame["value"].notna()].drop_duplicates("series", keep="last")
    parts = [
        f"{name} {value:.4g}" for name, value in zip(last["series"], last["value"], strict=True)
    ]
    return f"{title} over time; last: {', '.join(parts)}."


def card(
    label: str,
    value: float | None,
    unit: str,
    course: pd.Series | None = None,
    *,
    digits: int = 1,
    explains: str = "",
    percent: bool = False,
    missing: str = "no figure now",
) -> None:
    """A headline figure with its unit and the window's course; a dash when it is `missing`."""
    known = value is not None and math.isfinite(value)
    if not known or value is None:
        text = "-"
    elif percent:
        text = f"{value:.{digits}%}"
    else:
        text = f"{value:,.{digits}f} {unit}".rstrip()
    with st.container(border=True, height="stretch", gap="xsmall"):
        st.metric(
            label,
            text,
            None if known else missing,
            delta_color="off",
            delta_arrow="off",
            help=explains or None,
        )
        if course is not None and known:
            _spark(label, course, f".{digits}%" if percent else f",.{digits}f")


def _spark(label: str, course: pd.Series, number: str) -> None:
    """The newest 120 figures as a small chart; nothing where there is none."""
    values = course.astype("float64").dropna().tolist()[-120:]
    if len(values) == 1:
        values *= 2  # a card whose line has just begun looks like its neighbours
    if values:
        says = f"Course of {label} in this window, from {min(values):.4g} to {max(values):.4g}."
        drawn = spark.plot(values, shell.theme(), number)
        st.vega_lite_chart(drawn, key=f"spark-{label}", alt=says)
