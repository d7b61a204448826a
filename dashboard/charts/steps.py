"""A stretch of a policy's life in small pictures over the number of the request."""

from __future__ import annotations

import altair as alt
import numpy as np
import pandas as pd

from dashboard.charts.palette import Theme, colour
from dashboard.charts.panel import AnyChart

HEIGHT = 180
ACTIONS = (
    "hit", "took free room", "kept a newcomer", "kept none", "left to a classic", "too large",
)  # fmt: skip
WRAP = 100
"""Requests in one line of the pattern of hits and misses."""


def action_of(rows: pd.DataFrame) -> pd.Series:
    """What happened at each step, in one of the words of `ACTIONS`."""
    words = pd.Series("took free room", index=rows.index, dtype="object")
    words[rows["hit"].astype(bool)] = "hit"
    words[rows["action"] == "keep"] = "kept a newcomer"
    words[rows["action"] == "evict"] = "kept none"
    for word in ("too large", "left to a classic"):
        words[rows["decided"].str.startswith(word)] = word
    return words


def pattern(rows: pd.DataFrame, theme: Theme) -> AnyChart:
    """Hits and misses as cells, `WRAP` requests a line, in order of time."""
    number = rows["number"] - rows["number"].iloc[0]
    shown = pd.DataFrame(
        {
            "column": number % WRAP,
            "line": (number // WRAP) * WRAP + int(rows["number"].iloc[0]),
            "what": rows["hit"].map({True: "hit", False: "miss"}),
            "number": rows["number"],
            "key": rows["key"].str.slice(0, 120),
        }
    )
    lines = shown["line"].nunique()
    shades = [colour("hit", theme), colour("miss", theme)]
    drawn: AnyChart = (
        alt.Chart(shown)
        .mark_rect(stroke="transparent")
        .encode(
            x=alt.X("column:O", title=None, axis=None),
            y=alt.Y(
                "line:O",
                title="From request",
                axis=alt.Axis(titleFontWeight="normal", ticks=False, labelOverlap="greedy"),
            ),
            color=alt.Color(
                "what:N",
                scale=alt.Scale(domain=["hit", "miss"], range=shades),
                legend=alt.Legend(title=None, orient="top"),
            ),
            tooltip=[
                alt.Tooltip("number:Q", title="Request", format=","),
                alt.Tooltip("key:N", title="URL"),
                alt.Tooltip("what:N", title="Access"),
            ],
        )
        .properties(height=60 + min(20 * lines, 300))
    )
    return drawn


def line(
    rows: pd.DataFrame, column: str, title: str, shade: str, theme: Theme, number: str = "~s"
) -> AnyChart:
    """One figure over the requests; `number` is the format of its axis."""
    shown = pd.DataFrame({"number": rows["number"], "value": rows[column].astype("float64")})
    drawn: AnyChart = (
        alt.Chart(shown.dropna())
        .mark_line(strokeWidth=1.5, color=colour(shade, theme), interpolate="step-after")
        .encode(x=_x(), y=_y("value:Q", title, number), tooltip=_tooltip("value:Q", title))
        .properties(height=HEIGHT)
    )
    return drawn


def scores(rows: pd.DataFrame, theme: Theme) -> AnyChart:
    """The score of who asked to stay, beside the lowest of all compared: who scores lower goes."""
    both = {"score": "who asked to stay", "lowest": "lowest of all compared"}
    parts = [
        pd.DataFrame({"number": rows["number"], "value": rows[name], "who": title}).dropna()
        for name, title in both.items()
    ]
    titles = list(both.values())
    shades = [colour("agent", theme), colour("measured", theme)]
    legend = alt.Legend(title=None, orient="top")
    drawn: AnyChart = (
        alt.Chart(pd.concat(parts))
        .mark_point(filled=True, size=22, opacity=0.7)
        .encode(
            x=_x(),
            y=_y("value:Q", "Score", ".2~f"),
            color=alt.Color("who:N", scale=alt.Scale(domain=titles, range=shades), legend=legend),
            shape=alt.Shape("who:N", scale=alt.Scale(domain=titles), legend=legend),
            tooltip=[*_tooltip("value:Q", "Score"), alt.Tooltip("who:N", title="Whose")],
        )
        .properties(height=HEIGHT)
    )
    return drawn


def shares(rows: pd.DataFrame, theme: Theme) -> AnyChart:
    """How often each thing happened."""
    counts = action_of(rows).value_counts()
    shown = pd.DataFrame({"action": counts.index, "share": counts.to_numpy() / len(rows)})
    y = alt.Y("action:N", title=None, sort=list(ACTIONS), axis=alt.Axis(ticks=False))
    x = alt.X(
        "share:Q",
        title="Share of requests (%)",
        axis=alt.Axis(format=".0%", tickCount=4, titleFontWeight="normal"),
    )
    bars = (
        alt.Chart(shown)
        .mark_bar(color=colour("measured", theme))
        .encode(
            x=x,
            y=y,
            tooltip=[
                alt.Tooltip("action:N", title="What"),
                alt.Tooltip("share:Q", title="Share", format=".1%"),
            ],
        )
    )
    drawn: AnyChart = bars.properties(height=HEIGHT)
    return drawn


def times(rows: pd.DataFrame, theme: Theme) -> AnyChart:
    """How long each step took, as a histogram over the logarithm of microseconds."""
    shown = histogram(rows["us"].astype("float64"))
    drawn: AnyChart = (
        alt.Chart(shown)
        .mark_bar(color=colour("exploration", theme))
        .encode(
            x=alt.X(
                "low:Q",
                title="Time of a step, explanation included (µs, log)",
                scale=alt.Scale(type="log"),
                axis=alt.Axis(format="~s", tickCount=4, titleFontWeight="normal", grid=False),
            ),
            x2="high:Q",
            y=_y("count:Q", "Requests"),
            y2=alt.datum(0),
            tooltip=[
                alt.Tooltip("low:Q", title="From (µs)", format=",.0f"),
                alt.Tooltip("high:Q", title="To (µs)", format=",.0f"),
                alt.Tooltip("count:Q", title="Requests"),
            ],
        )
        .properties(height=HEIGHT)
    )
    return drawn


def histogram(values: pd.Series) -> pd.DataFrame:
    """Counts of positive values in ten steps a decade: low, high, count; empty steps left out."""
    bins = np.floor(np.log10(values.clip(lower=0.1)) * 10).astype("int64")
    counts = bins.value_counts().sort_index()
    low = 10.0 ** (counts.index.to_numpy() / 10)
    return pd.DataFrame({"low": low, "high": low * 10**0.1, "count": counts.to_numpy()})


def _x() -> alt.X:
    return alt.X(
        "number:Q",
        title="Request of the test part",
        scale=alt.Scale(nice=False, zero=False),
        axis=alt.Axis(format=",d", tickCount=5, titleFontWeight="normal", grid=False),
    )


def _y(field: str, title: str, number: str = "~s") -> alt.Y:
    axis = alt.Axis(tickCount=4, titleFontWeight="normal", format=number)
    return alt.Y(field, title=title, axis=axis)


def _tooltip(field: str, title: str) -> list[alt.Tooltip]:
    return [
        alt.Tooltip("number:Q", title="Request", format=","),
        alt.Tooltip(field, title=title, format=",.4~g"),
    ]
