"""Parallel coordinates: a line a configuration, and a strip under it for each axis to brush on.

A strip holds the values of one axis; a stretch brushed there keeps the lines that pass through it,
and several brushes keep those that pass through all.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import altair as alt
import numpy as np
import pandas as pd

from dashboard.charts.palette import Theme, is_dark, ramp
from dashboard.charts.panel import AnyChart

WIDTH, HEIGHT, STRIP = 820, 280, 26


def plot(
    frame: pd.DataFrame, axes: Sequence[str], objective: str, log: Sequence[str], theme: Theme
) -> AnyChart:
    """Draw `frame`, whose columns are `trial`, the `axes` and `objective`.

    Args:
        frame: one row a configuration.
        axes: columns in the order they are drawn; the objective comes last.
        objective: title of the column `objective`.
        log: axes on a logarithmic scale.
        theme: to draw for.
    """
    names = [*axes, "objective"]
    titles = {name: objective if name == "objective" else name for name in names}
    wide = frame.copy()
    for place, name in enumerate(names):
        wide[f"v{place}"] = wide[name] if _is_number(wide[name]) else wide[name].astype(str)
        wide[f"p{place}"] = _position(wide[name], name in log)
    fields = [f"v{place}" for place in range(len(names))]
    long = pd.concat(
        [
            wide[["trial", "objective", *fields]].assign(
                axis=titles[name], at=wide[f"p{place}"], value=wide[name].map(_told)
            )
            for place, name in enumerate(names)
        ],
        ignore_index=True,
    )
    brushes = [
        alt.selection_interval(name=f"brush{place}", encodings=["x"]) for place in range(len(names))
    ]
    kept: Any = brushes[0]
    for brush in brushes[1:]:
        kept = kept & brush
    low, _, high = ramp(theme)
    lines = (
        alt.Chart(long)
        .mark_line(strokeWidth=1.6)
        .encode(
            x=alt.X(
                "axis:N",
                sort=[titles[name] for name in names],
                title=None,
                axis=alt.Axis(
                    labelAngle=0, orient="top", labelPadding=8, domain=False, ticks=False, grid=True
                ),
                scale=alt.Scale(type="point", padding=0.5),
            ),
            y=alt.Y("at:Q", axis=None, scale=alt.Scale(domain=[-0.03, 1.03], nice=False)),
            detail="trial:N",
            color=alt.Color(
                "objective:Q",
                scale=alt.Scale(range=[low, high], interpolate="lab", zero=False),
                legend=alt.Legend(title=None, orient="right"),
            ),
            opacity=alt.condition(kept, alt.value(0.75), alt.value(0.03)),
            tooltip=[
                alt.Tooltip("trial:N", title="Trial"),
                alt.Tooltip("axis:N", title="Axis"),
                alt.Tooltip("value:N", title="Value"),
                alt.Tooltip("objective:Q", title=objective, format=",.4~g"),
            ],
        )
        .properties(width=WIDTH, height=HEIGHT)
    )
    ink = "#C9CBD1" if is_dark(theme) else "#4B5563"
    each = max(90, WIDTH // len(names) - 28)
    strips = [
        alt.Chart(wide[["trial", f"v{place}"]])
        .mark_tick(thickness=2, color=ink, opacity=0.7)
        .encode(x=_axis(wide, place, titles[name], name in log))
        .properties(width=each, height=STRIP)
        .add_params(brushes[place])
        for place, name in enumerate(names)
    ]
    drawn: AnyChart = alt.vconcat(lines, alt.hconcat(*strips, spacing=28), spacing=14)
    return drawn


def _axis(wide: pd.DataFrame, place: int, title: str, log: bool) -> alt.X:
    values = wide[f"v{place}"]
    if not _is_number(values):
        return alt.X(f"v{place}:N", title=title, axis=alt.Axis(labelAngle=0, labelLimit=80))
    scale = alt.Scale(type="log") if log else alt.Scale(zero=False, padding=6)
    axis = alt.Axis(tickCount=4, titleFontWeight="normal", format=".3~g", labelOverlap=True)
    return alt.X(f"v{place}:Q", title=title, scale=scale, axis=axis)


def _position(values: pd.Series, log: bool) -> pd.Series:
    """From 0 (lowest) to 1 (highest) on the axis; words stand at equal distances."""
    if not _is_number(values):
        order = sorted(values.astype(str).unique())
        ranks = values.astype(str).map({one: place for place, one in enumerate(order)})
        return ranks / max(len(order) - 1, 1)
    numbers = values.astype("float64")
    if log:
        numbers = pd.Series(np.log10(numbers.clip(lower=1e-12)), index=values.index)
    wide = float(numbers.max() - numbers.min())
    if wide <= 0:
        return numbers * 0 + 0.5
    return (numbers - numbers.min()) / wide


def _is_number(values: pd.Series) -> bool:
    return bool(pd.api.types.is_numeric_dtype(values)) and values.dtype != bool


def _told(value: object) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)
