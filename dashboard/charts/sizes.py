"""What caches of every size would save: curves of several policies, also read at one size."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import altair as alt
import numpy as np
import pandas as pd

from dashboard.charts.palette import Theme, is_dark
from dashboard.charts.panel import AnyChart
from dashboard.charts.policy_looks import dash, policy_colour
from dashboard.charts.ranking import FIGURES

COLUMNS = ["policy", "title", "capacity", "value", "low", "high", "exact"]
HEIGHT = 340


def curve_rows(curves: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
    """One row a policy and size: `COLUMNS`; value is the share that hits are, low to high its 95 %.

    Args:
        curves: those of one figure, as the job "curves" tells them.
    """
    rows = [
        (c["policy"], c["title"], p["capacity"], 1.0 - p["miss_ratio"], 1.0 - p["high"],
         1.0 - p["low"], p["exact"])
        for c in curves
        for p in c["points"]
    ]  # fmt: skip
    return pd.DataFrame(rows, columns=COLUMNS)


def at_size(rows: pd.DataFrame, capacity: int) -> pd.DataFrame:
    """Each policy's figure at one size, read off its curve: policy, title, value, low, high.

    Between two sizes of the curve the figure is interpolated in the logarithm of the size.
    """
    found = []
    for policy, curve in rows.groupby("policy", sort=False):
        sizes = np.log(curve["capacity"].to_numpy(dtype="float64"))
        at = math.log(max(capacity, 1))
        told = [float(np.interp(at, sizes, curve[name])) for name in ("value", "low", "high")]
        found.append((policy, curve["title"].iloc[0], *told))
    frame = pd.DataFrame(found, columns=["policy", "title", "value", "low", "high"])
    return frame.sort_values("value", ascending=False, kind="stable", ignore_index=True)


def plot(
    rows: pd.DataFrame, figure: str, unit: str, at: int, theme: Theme, modelled: bool = False
) -> AnyChart:
    """A line a policy over the logarithm of the size, its error as a band, and the size asked for.

    Args:
        rows: of `curve_rows`.
        figure: what hits are counted by, a row of FIGURES.
        unit: of the sizes: results or bytes.
        at: the size that is read off.
        theme: of the page.
        modelled: whether load times were modelled.
    """
    names = list(dict.fromkeys(rows["policy"]))
    titles = list(dict.fromkeys(rows["title"]))
    x = alt.X(
        "capacity:Q",
        title=f"Size of the cache ({unit}, log)",
        scale=alt.Scale(type="log", nice=False),
        axis=alt.Axis(format="~s", tickCount=7, titleFontWeight="normal", grid=False),
    )
    y = alt.Y(
        "value:Q",
        title=f"{FIGURES[figure]} (%{', modelled' if modelled else ''})",
        scale=alt.Scale(zero=True, nice=True),
        axis=alt.Axis(format=".0%", tickCount=5, titleFontWeight="normal"),
    )
    legend = alt.Legend(
        title=None, orient="top", columns=4, symbolType="stroke", symbolStrokeWidth=3,
        symbolSize=400, symbolOpacity=1, labelLimit=200,
    )  # fmt: skip
    colour = alt.Color(
        "title:N",
        scale=alt.Scale(domain=titles, range=[policy_colour(n, theme) for n in names]),
        legend=legend,
    )
    dashes = alt.StrokeDash(
        "title:N", scale=alt.Scale(domain=titles, range=[dash(n) for n in names]), legend=legend
    )
    base = alt.Chart(rows)
    band = base.mark_area(opacity=0.15).encode(x=x, y=alt.Y("low:Q"), y2="high:Q", color=colour)
    lines = base.mark_line(strokeWidth=2).encode(x=x, y=y, color=colour, strokeDash=dashes)
    points = base.mark_point(filled=True, size=36, opacity=0.9).encode(
        x=x,
        y=y,
        color=colour,
        tooltip=[
            alt.Tooltip("title:N", title="Policy"),
            alt.Tooltip("capacity:Q", title=f"Size ({unit})", format=","),
            alt.Tooltip("value:Q", title=FIGURES[figure], format=".2%"),
        ],
    )
    ink = "#F3F4F6" if is_dark(theme) else "#111827"
    here = alt.Chart(pd.DataFrame({"capacity": [at]})).mark_rule(strokeDash=[2, 3], color=ink)
    return alt.layer(band, lines, points, here.encode(x=x)).properties(height=HEIGHT)
