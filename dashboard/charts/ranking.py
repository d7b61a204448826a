"""Policies side by side at one size: one line each, the best first, told apart by words as well."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import altair as alt
import pandas as pd

from dashboard.charts.palette import Theme, is_dark
from dashboard.charts.panel import AnyChart
from dashboard.charts.policy_looks import policy_colour

FIGURES = {
    "hit_ratio": "Hit ratio",
    "byte_hit_ratio": "Byte hit ratio",
    "load_time_saved": "Load time saved",
    "value_ratio": "Value of hits",
}
"""Figure of a replay -> its name on pages; each a share from 0 to 1."""

SHORT = {
    "hit_ratio": "Hits",
    "byte_hit_ratio": "Bytes",
    "load_time_saved": "Time saved",
    "value_ratio": "Value",
}
"""The same in a word, where many stand side by side."""

LIMITS = ("always", "never")
ROW = 20
SHAPES = {"learned": "diamond", "classic": "circle", "optimum": "square", "reference": "square"}

COLUMNS = ["policy", "title", "kind", "value", "low", "high"]


def ranked(
    outcomes: Sequence[Mapping[str, Any]], figure: str, capacity: int, part: str
) -> pd.DataFrame:
    """The outcomes of a comparison at one size by one figure, the highest first: `COLUMNS`."""
    rows = [
        (o["policy"], o["title"], o["kind"], float(o[part][figure]), None, None)
        for o in outcomes
        if o["capacity"] == capacity
    ]
    return _sorted(pd.DataFrame(rows, columns=COLUMNS))


def judged(scores: Sequence[Mapping[str, Any]], figure: str, capacity: int) -> pd.DataFrame:
    """The scores of an evaluation at one size, the highest first; learned with their interval.

    The interval over seeds is of the figure that policies are ranked by, and so of `figure` then.
    """
    rows = [
        (s["policy"], s["title"], s["kind"], float(s[figure] or 0.0), s["seed_low"], s["seed_high"])
        for s in scores
        if s["capacity"] == capacity
    ]
    return _sorted(pd.DataFrame(rows, columns=COLUMNS))


def plot(rows: pd.DataFrame, figure: str, theme: Theme, modelled: bool = False) -> AnyChart:
    """One dot a policy on a common axis; a dashed line where the best that knows the future lies.

    What only limits (always, never) is left out: it would stretch the axis.
    """
    shown = rows[~rows["policy"].isin(LIMITS)]
    shown = shown.assign(
        shade=[policy_colour(str(name), theme) for name in shown["policy"]],
        shape=shown["kind"].map(SHAPES).fillna("circle"),
    )
    title = f"{FIGURES[figure]} (%{', modelled' if modelled else ''})"
    x = alt.X(
        "value:Q",
        title=title,
        axis=alt.Axis(format=".0%", tickCount=6, titleFontWeight="normal", labelFlush=False),
        scale=alt.Scale(zero=False, nice=True, padding=12),
    )
    y = alt.Y(
        "title:N",
        title=None,
        sort=shown["title"].tolist(),
        axis=alt.Axis(labelLimit=230, labelOverlap=False, ticks=False),
    )
    base = alt.Chart(shown)
    dots = base.mark_point(filled=True, size=110, opacity=1).encode(
        x=x,
        y=y,
        color=alt.Color("shade:N", scale=None),
        shape=alt.Shape("shape:N", scale=None),
        tooltip=[
            alt.Tooltip("title:N", title="Policy"),
            alt.Tooltip("value:Q", title=FIGURES[figure], format=".2%"),
        ],
    )
    ink = "#F3F4F6" if is_dark(theme) else "#111827"
    values = base.mark_text(align="left", dx=10, fontSize=12, color=ink).encode(
        x=x, y=y, text=alt.Text("value:Q", format=".1%")
    )
    layers: list[alt.Chart] = [dots, values]
    if shown["low"].notna().any():
        spread = alt.Chart(shown.dropna(subset=["low", "high"]))
        layers.insert(
            0,
            spread.mark_rule(strokeWidth=3, opacity=0.5).encode(
                x="low:Q", x2="high:Q", y=y, color=alt.Color("shade:N", scale=None)
            ),
        )
    limit = shown[shown["kind"].isin(["optimum", "reference"])]
    if len(limit):
        mark = alt.Chart(limit.head(1)).mark_rule(strokeDash=[5, 4], color=ink, opacity=0.6)
        layers.insert(0, mark.encode(x="value:Q"))
    drawn: AnyChart = alt.layer(*layers).properties(height=60 + ROW * len(shown))
    return drawn


def _sorted(frame: pd.DataFrame) -> pd.DataFrame:
    typed = frame.astype(dict.fromkeys(("value", "low", "high"), "float64"))
    return typed.sort_values("value", ascending=False, kind="stable", ignore_index=True)
