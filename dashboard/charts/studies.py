"""What a study says: rankings with intervals, learning curves with bands, effects, slices, maps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import altair as alt
import pandas as pd

from dashboard.charts.palette import Theme, colours, is_dark, ramp
from dashboard.charts.panel import AnyChart

HEIGHT = 260
MOST_RANKED = 30
ROW = 18


def ranked(
    rows: pd.DataFrame, references: Mapping[str, float], title: str, theme: Theme
) -> AnyChart:
    """The best configurations: a dot each with its interval; dashed lines for what learns nothing.

    Args:
        rows: label, objective, low, high, seeds; the best first.
        references: title -> objective.
        title: of the axis.
        theme: to draw for.
    """
    shown = rows.head(MOST_RANKED)
    ink = "#F3F4F6" if is_dark(theme) else "#111827"
    own, other = colours(["agent", "measured"], theme).values()
    y = alt.Y(
        "label:N",
        sort=list(shown["label"]),
        title=None,
        axis=alt.Axis(labelLimit=260, labelOverlap=False, labelFlush=False, ticks=False),
    )
    scale = alt.Scale(zero=False, nice=True, padding=10)
    x = alt.X("objective:Q", title=title, scale=scale, axis=alt.Axis(titleFontWeight="normal"))
    base = alt.Chart(shown)
    spread = base.mark_rule(strokeWidth=3, opacity=0.45, color=other).encode(
        x=alt.X("low:Q", scale=scale), x2="high:Q", y=y
    )
    dots = base.mark_point(filled=True, size=80, opacity=1, color=other).encode(
        x=x,
        y=y,
        tooltip=[
            alt.Tooltip("label:N", title="Configuration"),
            alt.Tooltip("objective:Q", title=title, format=",.4~g"),
            alt.Tooltip("low:Q", title="from", format=",.4~g"),
            alt.Tooltip("high:Q", title="to", format=",.4~g"),
            alt.Tooltip("seeds:Q", title="Seeds"),
        ],
    )
    layers: list[alt.Chart] = [spread, dots]
    for place, (name, value) in enumerate(references.items()):
        line = alt.Chart(pd.DataFrame({"name": [name], "objective": [value]}))
        layers += [
            line.mark_rule(strokeDash=[5, 4], color=own).encode(x="objective:Q"),
            # One below the other: classics often reach about the same.
            line.mark_text(align="left", dx=4, color=ink, fontSize=11).encode(
                x="objective:Q", y=alt.value(8 + 13 * place), text="name:N"
            ),
        ]
    drawn: AnyChart = alt.layer(*layers).properties(height=110 + ROW * len(shown))
    return drawn


def band_rows(curves: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
    """Mean, lowest and highest over seeds at each step: trial, step, mean, low, high, seeds."""
    points = pd.DataFrame(
        [(int(c["trial"]), x, y) for c in curves for x, y in c["curve"]],
        columns=["trial", "step", "value"],
    )
    grouped = points.groupby(["trial", "step"])["value"]
    found = grouped.agg(["mean", "min", "max", "count"]).reset_index()
    names = {"min": "low", "max": "high", "count": "seeds"}
    return found.rename(columns=names).assign(name=lambda f: "trial " + f["trial"].astype(str))


def bands(rows: pd.DataFrame, titles: tuple[str, str], theme: Theme, log_y: bool) -> AnyChart:
    """One line a configuration (its mean over seeds) in a band from the worst seed to the best."""
    names = list(dict.fromkeys(rows["name"]))
    shades = colours(names, theme)
    legend = alt.Legend(
        title=None, orient="top", symbolType="stroke", symbolStrokeWidth=3, symbolOpacity=1
    )
    colour = alt.Color(
        "name:N", scale=alt.Scale(domain=names, range=list(shades.values())), legend=legend
    )
    axis = alt.Axis(titleFontWeight="normal", grid=False)
    x = alt.X("step:Q", title=titles[0], axis=axis, scale=alt.Scale(nice=False))
    scale = alt.Scale(type="symlog") if log_y else alt.Scale(zero=False)
    y = alt.Y("mean:Q", title=titles[1], scale=scale, axis=alt.Axis(titleFontWeight="normal"))
    base = alt.Chart(rows)
    area = base.mark_area(opacity=0.15).encode(
        x=x, y=alt.Y("low:Q", scale=scale), y2="high:Q", color=colour
    )
    line = base.mark_line(strokeWidth=2).encode(x=x, y=y, color=colour)
    told = base.mark_point(size=50, opacity=0).encode(
        x=x,
        y=y,
        tooltip=[
            alt.Tooltip("name:N", title="Configuration"),
            alt.Tooltip("step:Q", title=titles[0], format=",.4~g"),
            alt.Tooltip("mean:Q", title="Mean", format=",.4~g"),
            alt.Tooltip("low:Q", title="Worst seed", format=",.4~g"),
            alt.Tooltip("high:Q", title="Best seed", format=",.4~g"),
            alt.Tooltip("seeds:Q", title="Seeds"),
        ],
    )
    return alt.layer(area, line, told).properties(height=HEIGHT + 60)


def effects(rows: pd.DataFrame, theme: Theme) -> AnyChart:
    """Share of the spread that each parameter accounts for: name, share, low, high, direction."""
    shade = colours(["measured"], theme)["measured"]
    y = alt.Y("name:N", sort=list(rows["name"]), title=None)
    title = "Share of the spread between configurations"
    base = alt.Chart(rows)
    bars = base.mark_bar(color=shade, opacity=0.8).encode(
        x=alt.X("share:Q", title=title, axis=alt.Axis(format=".0%", titleFontWeight="normal")),
        y=y,
        tooltip=[
            alt.Tooltip("name:N", title="Parameter"),
            alt.Tooltip("share:Q", title="Share", format=".0%"),
            alt.Tooltip("direction:Q", title="Direction", format="+.2f"),
            alt.Tooltip("trials:Q", title="Configurations"),
        ],
    )
    ink = "#C9CBD1" if is_dark(theme) else "#374151"
    spread = base.mark_rule(strokeWidth=2, color=ink).encode(x="low:Q", x2="high:Q", y=y)
    drawn: AnyChart = alt.layer(bars, spread).properties(height=60 + 26 * len(rows))
    return drawn


def slices(frame: pd.DataFrame, name: str, title: str, log: bool, theme: Theme) -> AnyChart:
    """The objective over one parameter: a dot a configuration."""
    shade = colours(["measured"], theme)["measured"]
    is_number = pd.api.types.is_numeric_dtype(frame[name])
    kind = "Q" if is_number else "N"
    scale = alt.Scale(type="log") if log else alt.Scale(zero=False, padding=12)
    x = alt.X(
        f"{_field(name)}:{kind}",
        title=name,
        scale=scale if is_number else alt.Undefined,
        axis=alt.Axis(titleFontWeight="normal", grid=False, labelAngle=0, tickCount=5),
    )
    drawn: AnyChart = (
        alt.Chart(frame)
        .mark_point(filled=True, size=45, opacity=0.6, color=shade)
        .encode(
            x=x,
            y=alt.Y("objective:Q", title=title, scale=alt.Scale(zero=False)),
            tooltip=[
                alt.Tooltip("trial:Q", title="Trial"),
                alt.Tooltip(f"{_field(name)}:{kind}", title=name),
                alt.Tooltip("objective:Q", title=title, format=",.4~g"),
            ],
        )
        .properties(height=200)
    )
    return drawn


def heat(frame: pd.DataFrame, first: str, second: str, title: str, theme: Theme) -> AnyChart:
    """The mean objective over two parameters; in bins where a parameter has many values."""
    shown = frame.assign(a=_binned(frame[first]), b=_binned(frame[second]))
    cells = shown.groupby(["a", "b"], observed=True)["objective"].agg(["mean", "count"])
    told = cells.reset_index()
    told["text"] = [f"{value:,.4g}" for value in told["mean"]]
    low, _, high = ramp(theme)
    x = alt.X("a:N", title=first, sort=_order(shown["a"]), axis=alt.Axis(labelAngle=0))
    y = alt.Y("b:N", title=second, sort=_order(shown["b"]))
    base = alt.Chart(told)
    fill = base.mark_rect().encode(
        x=x,
        y=y,
        color=alt.Color(
            "mean:Q",
            scale=alt.Scale(range=[low, high], interpolate="lab", zero=False),
            legend=alt.Legend(title=None, orient="right"),
        ),
        tooltip=[
            alt.Tooltip("a:N", title=first),
            alt.Tooltip("b:N", title=second),
            alt.Tooltip("mean:Q", title=title, format=",.4~g"),
            alt.Tooltip("count:Q", title="Configurations"),
        ],
    )
    words = base.mark_text(fontSize=12, fontWeight="bold", color="#FFFFFF", stroke="#00000055",
                           strokeWidth=0.4).encode(x=x, y=y, text="text:N")  # fmt: skip
    rows = told["b"].nunique()
    drawn: AnyChart = alt.layer(fill, words).properties(height=80 + 44 * rows)
    return drawn


def _binned(values: pd.Series) -> pd.Series:
    if pd.api.types.is_numeric_dtype(values) and values.nunique() > 10:
        cut = pd.qcut(values, 6, duplicates="drop")
        return cut.map(lambda one: f"{one.left:.3g} to {one.right:.3g}").astype(str)
    return values.map(lambda one: f"{one:g}" if isinstance(one, int | float) else str(one))


def _order(texts: pd.Series) -> list[str]:
    def key(text: str) -> tuple[float, str]:
        try:
            return float(text.partition(" ")[0]), text
        except ValueError:
            return 0.0, text

    return sorted(texts.unique(), key=key)


def _field(name: str) -> str:
    """A column whose name holds a dot, as Vega takes it."""
    return name.replace(".", "\\.")
