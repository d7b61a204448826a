"""The curves of a training over its steps: what it is judged by, and how it learns."""

from __future__ import annotations

import altair as alt
import pandas as pd

from dashboard.charts.palette import Theme, colours
from dashboard.charts.panel import AnyChart

CURVES = {
    "hit_ratio": ("Hit ratio on validation (%)", ".1%"),
    "reward": ("Reward per decision", ".3~g"),
    "loss": ("Loss", ".3~g"),
    "exploration": ("Exploration (share or nats)", ".3~g"),
}
"""Column of `training_points` -> axis title and number format."""

HEIGHT = 200
_SHADES = {"ppo": "agent", "dqn": "measured", "a2c": "always keep"}
"""Algorithm -> whose colour it has."""


def curve_rows(points: pd.DataFrame, column: str) -> pd.DataFrame:
    """The points of one curve: steps, value, best, algorithm, run (algorithm and seed)."""
    known = points.dropna(subset=[column])
    return pd.DataFrame(
        {
            "steps": known["steps"].astype("float64"),
            "value": known[column].astype("float64"),
            "best": known["best"].astype(bool),
            "algorithm": known["algorithm"].str.upper(),
            "run": known["algorithm"].str.upper() + ", seed " + known["seed"].astype(str),
        }
    )


def plot(rows: pd.DataFrame, column: str, theme: Theme) -> AnyChart:
    """One line a run, coloured by algorithm; a diamond where the best policy so far was kept."""
    title, number = CURVES[column]
    names = sorted(rows["algorithm"].unique())
    shades = colours([_SHADES.get(name.lower(), name) for name in names], theme)
    x = alt.X(
        "steps:Q",
        title="Decisions learned from",
        axis=alt.Axis(format="~s", tickCount=5, titleFontWeight="normal", grid=False),
        # From 0 to at least 1: of an axis from 0 to 0 Vega cannot tell the unit.
        scale=alt.Scale(domain=[0, max(1.0, float(rows["steps"].max()))], nice=False),
    )
    y = alt.Y(
        "value:Q",
        title=title,
        scale=alt.Scale(zero=False, nice=True),
        axis=alt.Axis(format=number, tickCount=4, titleFontWeight="normal"),
    )
    legend = alt.Legend(title=None, orient="top", symbolType="stroke", symbolStrokeWidth=3)
    colour = alt.Color(
        "algorithm:N", scale=alt.Scale(domain=names, range=list(shades.values())), legend=legend
    )
    base = alt.Chart(rows)
    lines = base.mark_line(strokeWidth=2, opacity=0.85).encode(
        x=x, y=y, color=colour, detail="run:N"
    )
    dots = base.mark_point(filled=True, opacity=1).encode(
        x=x,
        y=y,
        color=colour,
        shape=alt.condition("datum.best", alt.value("diamond"), alt.value("circle")),
        size=alt.condition("datum.best", alt.value(90), alt.value(16)),
        tooltip=[
            alt.Tooltip("run:N", title="Run"),
            alt.Tooltip("steps:Q", title="Decisions", format=","),
            alt.Tooltip("value:Q", title=title, format=number),
            alt.Tooltip("best:N", title="Best so far"),
        ],
    )
    shown = [lines, dots] if column == "hit_ratio" else [lines]
    return alt.layer(*shown).properties(height=HEIGHT)
