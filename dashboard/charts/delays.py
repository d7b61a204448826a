"""Delays of the queue: three percentiles a second, told apart even where they coincide."""

from __future__ import annotations

import math

import altair as alt
import pandas as pd

from dashboard.charts.palette import Theme, colours
from dashboard.charts.panel import AnyChart, Span, time_axis

HEIGHT = 240
PERCENTILES = ("p50", "p95", "p99")
SHAPES = {"p50": ("circle", 26), "p95": ("square", 70), "p99": ("triangle-up", 130)}
"""The slower, the larger and hollow: equal ones stand around each other, none hides another."""


def decades(values: pd.Series) -> tuple[float, float]:
    """The powers of ten around positive values, at least two of them."""
    known = values[values > 0]
    if known.empty:
        return 0.1, 10.0
    low = math.floor(math.log10(float(known.min())))
    high = math.ceil(math.log10(float(known.max()) * 1.0001))
    return 10.0**low, 10.0 ** max(high, low + 2)


def rows(frame: pd.DataFrame, kind: str, span: Span) -> pd.DataFrame:
    """One data set: each second's percentiles (ms), and the invisible ends of both axes.

    The row `floor` is for the medians' line, which one point does not draw: Vega warns of an axis
    that a layer gives no reach.
    """
    parts = [
        pd.DataFrame({"at": frame["at"], "series": p, "value": frame[f"{kind}_{p}_ms"]})
        for p in PERCENTILES
    ]
    values = pd.concat(parts, ignore_index=True)
    values["value"] = pd.to_numeric(values["value"]).astype("float64")
    values = values[(values["value"] > 0) & (values["at"] >= span.start)]
    low, high = decades(values["value"])
    ends = pd.DataFrame(
        {
            "at": [span.start, span.start, span.end],
            "value": [low, low, high],
            "series": "",
            "kind": ["floor", "end", "end"],
        }
    )
    joined = pd.concat([values.assign(kind="value"), ends], ignore_index=True)
    joined["at"] = pd.to_datetime(joined["at"].astype("float64"), unit="s", utc=True)
    return joined


def plot(frame: pd.DataFrame, kind: str, span: Span, theme: Theme) -> AnyChart:
    """Points a second on a logarithmic axis, with a thin line through the medians."""
    shades = colours(list(PERCENTILES), theme)
    names = list(shades)
    x = alt.X("at:T", title=None, axis=time_axis(), scale=alt.Scale(nice=False))
    y = alt.Y(
        "value:Q",
        title="Delay (ms, log)",
        scale=alt.Scale(type="log", nice=False),
        axis=alt.Axis(
            format="~g",
            values=[10.0**n for n in range(-3, 6)],
            titleFontWeight="normal",
            labelFlush=False,
        ),
    )
    colour = alt.Color(
        "series:N",
        scale=alt.Scale(domain=names, range=list(shades.values())),
        legend=alt.Legend(title=None, orient="top", symbolOpacity=1, symbolStrokeWidth=2),
    )
    median = (
        alt.Chart()
        .transform_filter("datum.series === 'p50' || datum.kind === 'floor'")
        .mark_line(strokeWidth=1, opacity=0.5, color=shades["p50"])
        .encode(detail="kind:N")
    )
    values = alt.Chart().transform_filter("datum.kind === 'value'")
    points = values.mark_point(filled=False, opacity=0.9, strokeWidth=1.5, clip=True).encode(
        x=x,
        y=y,
        color=colour,
        shape=alt.Shape(
            "series:N",
            scale=alt.Scale(domain=names, range=[SHAPES[n][0] for n in names]),
            legend=alt.Legend(title=None, orient="top", symbolOpacity=1, symbolStrokeWidth=2),
        ),
        size=alt.Size(
            condition=[
                {"test": f"datum.series === '{n}'", "value": SHAPES[n][1]} for n in names[1:]
            ],
            value=SHAPES[names[0]][1],
        ),
        tooltip=[
            alt.Tooltip("at:T", title="Time", format="%H:%M:%S"),
            alt.Tooltip("series:N", title="Percentile"),
            alt.Tooltip("value:Q", title="Delay (ms)", format=",.3f"),
        ],
    )
    ends = alt.Chart().transform_filter("datum.kind === 'end'").mark_point(opacity=0)
    layers = [median.encode(x=x, y=y), points, ends.encode(x=x, y=y)]
    return alt.layer(*layers, data=rows(frame, kind, span)).properties(height=HEIGHT)
