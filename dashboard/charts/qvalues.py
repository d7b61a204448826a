"""The Q-table as people read it: one row a state in words, most decided in first."""

from __future__ import annotations

import json
from collections.abc import Sequence

import altair as alt
import pandas as pd

from dashboard.charts.palette import Theme, is_dark, ramp
from dashboard.charts.panel import AnyChart
from engine.agent.discretiser import describe
from engine.agent.words import ACTION_WORDS
from engine.records import Action

WORDS = [ACTION_WORDS[action] for action in Action]
MOST_STATES = 25
"""States drawn; more could not be read."""

COLUMNS = ["state", "meaning", "action", "value", "best", "visits"]


def q_rows(decisions: pd.DataFrame, visits: pd.DataFrame, checkpoint: str | None) -> pd.DataFrame:
    """State, action and value: the stored table where it can be read, else the newest decisions.

    The states in which most decisions of the window were made (`visits`) come first.
    """
    table = _stored(checkpoint) if checkpoint else {}
    if not table:
        newest = decisions.sort_values("at").drop_duplicates("state", keep="last")
        table = {str(row["state"]): _values(row["q_values"]) for row in newest.to_dict("records")}
    counts = dict(zip(visits["state"], visits["count"], strict=True))
    rows = [
        {
            "state": state,
            "meaning": describe(state),
            "action": action,
            "value": value,
            "best": value == max(values),
            "visits": int(counts.get(state, 0)),
        }
        for state, values in table.items()
        for action, value in zip(WORDS, values, strict=False)
    ]
    found = pd.DataFrame(rows, columns=COLUMNS)
    return found.sort_values("visits", ascending=False, kind="stable", ignore_index=True)


def _stored(text: str) -> dict[str, Sequence[float]]:
    try:
        found = json.loads(text)
    except ValueError:
        return {}
    for name in ("q", "table", "q_table", "values"):
        if isinstance(found, dict) and isinstance(found.get(name), dict):
            return {state: _values(values) for state, values in found[name].items()}
    return {}


def _values(stored: object) -> Sequence[float]:
    if isinstance(stored, str):
        stored = json.loads(stored)
    return [float(value) for value in stored] if isinstance(stored, list | tuple) else []


def q_heatmap(rows: pd.DataFrame, theme: Theme) -> AnyChart:
    """The Q-table of the first `MOST_STATES` states: one row a state; zero is neutral."""
    low, zero, high = ramp(theme)
    states = rows["meaning"].drop_duplicates().head(MOST_STATES).tolist()
    shown = rows[rows["meaning"].isin(states)]
    y = alt.Y(
        "meaning:N",
        title=None,
        sort=states,
        axis=alt.Axis(labelLimit=340, labelOverlap=False, ticks=False),
    )
    x = alt.X(
        "action:N",
        title=None,
        sort=WORDS,
        axis=alt.Axis(
            orient="top",
            labelAngle=0,
            labelOverlap=False,
            labelExpr="split(datum.label, ' ')",
            labelPadding=44,  # lines after the first go down, towards the cells
            ticks=False,
        ),
    )
    base = alt.Chart(shown)
    cells = base.mark_rect(stroke="transparent").encode(
        x=x,
        y=y,
        color=alt.Color(
            "value:Q",
            title="Q",
            scale=alt.Scale(domainMid=0, range=[low, zero, high], interpolate="rgb"),
            legend=alt.Legend(orient="bottom", gradientLength=140, direction="horizontal"),
        ),
        tooltip=[
            alt.Tooltip("meaning:N", title="State"),
            alt.Tooltip("action:N", title="Action"),
            alt.Tooltip("value:Q", title="Q (share of load time)", format=".3f"),
            alt.Tooltip("visits:Q", title="Decisions in window"),
        ],
    )
    ink = "#F3F4F6" if is_dark(theme) else "#111827"
    best = (
        base.transform_filter("datum.best")
        .mark_point(shape="circle", size=28, filled=True, color=ink)
        .encode(x=x, y=y)
    )
    return alt.layer(cells, best).properties(height=150 + 20 * len(states))
