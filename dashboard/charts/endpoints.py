"""Load times of endpoints, side by side."""

from __future__ import annotations

import altair as alt
import pandas as pd

from dashboard.charts.palette import Theme, colours
from dashboard.charts.panel import AnyChart
from engine.histogram import merged

HEIGHT = 300
PERCENTILES = {"p50": 0.5, "p95": 0.95, "p99": 0.99}


def percentile_table(frame: pd.DataFrame) -> pd.DataFrame:
    """Load time percentiles (ms) per endpoint, from merged histograms; endpoint, p50, p95, p99."""
    rows = []
    for name, group in frame.groupby("cache_name"):
        if name == "*":
            continue
        whole = merged(group["load_histogram"])
        rows.append(
            {"endpoint": str(name), **{p: whole.quantile(q) for p, q in PERCENTILES.items()}}
        )
    return pd.DataFrame(rows, columns=["endpoint", *PERCENTILES]).dropna()


def percentile_plot(table: pd.DataFrame, theme: Theme) -> AnyChart:
    """One line an endpoint from p50 to p99 on a logarithmic axis."""
    shades = colours(list(PERCENTILES), theme)
    y = alt.Y(
        "endpoint:N",
        title=None,
        sort=table["endpoint"].tolist(),
        axis=alt.Axis(labelLimit=220, labelOverlap=False, labelFlush=False),
    )
    x_axis = alt.Axis(
        format="~g",
        values=[10.0**n for n in range(-3, 6)],
        titleFontWeight="normal",
        grid=False,
        labelFlush=False,
    )
    scale = alt.Scale(type="log", nice=True)
    long = table.melt("endpoint", list(PERCENTILES), "percentile", "ms")
    reach = (
        alt.Chart(table)
        .mark_rule(opacity=0.6, strokeWidth=2, color="#8A8A8A")
        .encode(x=alt.X("p50:Q", scale=scale), x2="p99:Q", y=y)
    )
    dots = (
        alt.Chart(long)
        .mark_point(filled=True, size=90, opacity=1)
        .encode(
            x=alt.X("ms:Q", title="Load time (ms, log)", axis=x_axis, scale=scale),
            y=y,
            color=alt.Color(
                "percentile:N",
                scale=alt.Scale(domain=list(shades), range=list(shades.values())),
                legend=alt.Legend(title=None, orient="top"),
            ),
            shape=alt.Shape("percentile:N", legend=alt.Legend(title=None, orient="top")),
            tooltip=[
                alt.Tooltip("endpoint:N", title="Endpoint"),
                alt.Tooltip("percentile:N", title="Percentile"),
                alt.Tooltip("ms:Q", title="Load time (ms)", format=",.1f"),
            ],
        )
    )
    return alt.layer(reach, dots).properties(height=HEIGHT)
