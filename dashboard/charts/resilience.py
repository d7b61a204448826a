"""A resilience run over its seconds: curves with the fault shaded and each injection as a line."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import altair as alt
import pandas as pd

from dashboard.charts.palette import Theme, colours, event_colours
from dashboard.charts.panel import AnyChart, nice_top

HEIGHT = 170
PANELS: dict[str, dict[str, str]] = {
    "Records per second": {"offered": "offered", "handed": "delivered"},
    "Depth (of 100)": {"depth": "depth"},
    "Delay, p95 (ms)": {"enqueue_p95_ms": "enqueue", "dequeue_p95_ms": "dequeue"},
}
"""Title with unit -> columns of the timeline and what they are called."""


def rows(timeline: Mapping[str, Any], columns: Mapping[str, str]) -> pd.DataFrame:
    """One data set for a panel: values, the fault's span, and each injection."""
    at = list(timeline["at"])
    parts = [
        pd.DataFrame({"at": at, "value": timeline[name], "series": word, "kind": "value"})
        for name, word in columns.items()
    ]
    values = pd.concat(parts, ignore_index=True).dropna(subset=["value"])
    end = max(at, default=1.0)
    top = nice_top(float(values["value"].max()) if not values.empty else 1.0)
    phases = {words: moment for moment, kind, words in timeline["marks"] if kind == "phase"}
    marks = [
        {"at": moment, "end": moment, "value": top, "kind": "injected", "label": words}
        for moment, kind, words in timeline["marks"]
        if kind == "injected"
    ]
    if "fault" in phases and marks:
        over = phases.get("after", end)
        marks.append({"at": phases["fault"], "end": over, "value": top, "kind": "fault"})
    marks.append({"at": 0.0, "end": end, "value": top, "kind": "end"})
    joined = pd.concat([values, pd.DataFrame(marks)], ignore_index=True)
    for name in ("series", "label"):
        column = joined[name] if name in joined else pd.Series("", index=joined.index)
        joined[name] = column.astype(object).fillna("").astype(str)
    return joined


def plot(timeline: Mapping[str, Any], title: str, theme: Theme) -> AnyChart:
    """One panel."""
    words = list(PANELS[title].values())
    shades = colours(words, theme)
    events = event_colours(theme)
    x = alt.X(
        "at:Q",
        title=None,
        axis=alt.Axis(format="~f", grid=False, tickCount=6, labelExpr="datum.label + ' s'"),
        scale=alt.Scale(nice=False),
    )
    y = alt.Y(
        "value:Q",
        title=title,
        scale=alt.Scale(nice=False),
        axis=alt.Axis(tickCount=4, titleFontWeight="normal", format=",~f"),
    )
    base = alt.Chart()
    shade = (
        base.transform_filter("datum.kind === 'fault'")
        .mark_rect(opacity=0.12, color=events["warning"])
        .encode(x=x, x2="end:Q")
    )
    lines = (
        base.transform_filter("datum.kind === 'value'")
        .mark_line(strokeWidth=1.8, interpolate="step-after")
        .encode(
            x=x,
            y=y,
            color=alt.Color(
                "series:N",
                scale=alt.Scale(domain=words, range=[shades[word] for word in words]),
                legend=alt.Legend(title=None, orient="top", symbolType="stroke"),
            ),
            tooltip=[
                alt.Tooltip("at:Q", title="Second", format=".1f"),
                alt.Tooltip("series:N", title="Series"),
                alt.Tooltip("value:Q", title=title, format=",.4~g"),
            ],
        )
    )
    rules = (
        base.transform_filter("datum.kind === 'injected'")
        .mark_rule(strokeDash=[2, 3], strokeWidth=1.5, color=events["error"])
        .encode(x=x, tooltip=[alt.Tooltip("at:Q", title="Second", format=".2f"), "label:N"])
    )
    ends = (
        base.transform_filter("datum.kind === 'end'")
        .mark_point(opacity=0)
        .encode(x=alt.X("end:Q", title=None), y=y)
    )
    data = rows(timeline, PANELS[title])
    return alt.layer(shade, lines, rules, ends, data=data).properties(height=HEIGHT)


def says(timeline: Mapping[str, Any], title: str) -> str:
    """A panel in one sentence."""
    told = []
    for name, word in PANELS[title].items():
        values: Sequence[float] = [value for value in timeline[name] if value is not None]
        if values:
            told.append(f"{word} last {values[-1]:.4g}, at most {max(values):.4g}")
    return f"{title} over {max(timeline['at'], default=0):.1f} seconds: {'; '.join(told)}."
