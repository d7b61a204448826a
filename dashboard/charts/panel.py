"""Time charts whose specification never changes from tick to tick, only their data.

A changed specification makes the browser build the chart anew, which shows as a jump; and to make
one takes longer than all the rest of a tick, so that is done once for each look. So the window's
two ends and the y axis's top travel as invisible rows of the same data instead of as numbers in the
specification, and so do the events. Every layer holds these ends, as nothing that
shows: an axis asks each layer for its reach, and Vega warns of one without.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import altair as alt
import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa

from dashboard.charts.palette import Theme, event_colours
from dashboard.charts.shared import once

AnyChart = alt.Chart | alt.LayerChart | alt.FacetChart | alt.VConcatChart
HEIGHT = 240
DATA = "rows"
"""Name of the one data set: Streamlit draws a chart with unnamed data empty at first."""


@dataclass(frozen=True, slots=True)
class Span:
    """The shared time window: `start` and `end` in seconds since the epoch."""

    start: float
    end: float


@dataclass(frozen=True, slots=True)
class Panel:
    """How one time chart looks: axis title with its unit, number format and series' colours."""

    title: str
    colours: Mapping[str, str] = field(hash=False)  # compared all the same
    number: str = ",.3~g"
    axis: str = ",~f"
    height: int = HEIGHT
    dashed: tuple[str, ...] = ()
    faint: tuple[str, ...] = ()
    bars: bool = False
    """Filled from zero second by second, for what comes in bursts."""
    theme: Theme = "light"
    legend: bool = field(default=True)


def nice_top(value: float, before: float | None = None, floor: float = 1.0) -> float:
    """A round upper end for an axis from zero; it grows at once and shrinks only when far off.

    `before` is the end shown last: it stays while the data fill more than 40 % of it, so that the
    axis does not breathe with every tick.
    """
    wanted = max(value if math.isfinite(value) else 0.0, floor) * 1.08
    if before is not None and wanted <= before and wanted > 0.4 * before:
        return before
    scale = 10.0 ** math.floor(math.log10(wanted))
    return next(step * scale for step in (1, 1.5, 2, 3, 4, 5, 6, 8, 10) if step * scale >= wanted)


def rows(
    frame: pd.DataFrame,
    span: Span,
    top: float,
    events: pd.DataFrame | None = None,
    bottom: float = 0.0,
) -> pa.Table:
    """The chart's one data set: values, the window's ends and the events inside it.

    As it travels: to make a frame of it first would take longer than all the rest.
    """
    count = len(frame)
    marks = _marks(events, span)
    low, high = (
        _floats(frame[name]) if name in frame else [np.nan] * count for name in ("low", "high")
    )
    further = [bottom, bottom] + [np.nan] * len(marks)
    labels = (marks["service"] + ": " + marks["message"]).tolist() if len(marks) else []
    at = np.concatenate([_floats(frame["at"]), [span.start, span.end], _floats(marks["at"])])
    return pa.table(
        {
            "at": pa.array(np.round(at * 1e6).astype(np.int64), pa.timestamp("us", "UTC")),
            "series": [*frame["series"], "", "", *marks["level"]],
            "value": _nullable([_floats(frame["value"]), [bottom, top], [top] * len(marks)]),
            "low": _nullable([low, further]),
            "high": _nullable([high, further]),
            "kind": ["value"] * count + ["end"] * 2 + ["event"] * len(marks),
            "label": [""] * (count + 2) + labels,
        }
    )


def _nullable(parts: Sequence[npt.ArrayLike]) -> pa.Array:
    """One column of several parts; what is not a number is missing."""
    return pa.array(np.concatenate(parts), from_pandas=True)


def _floats(values: pd.Series) -> npt.NDArray[np.float64]:
    return pd.to_numeric(values).to_numpy("float64", na_value=np.nan)


@once
def _marks(events: pd.DataFrame | None, span: Span) -> pd.DataFrame:
    """The events to mark: a start of everything is one mark, not a dozen."""
    if events is None or events.empty:
        return pd.DataFrame({"at": [], "level": [], "service": [], "message": []})
    inside = events[(events["at"] >= span.start) & (events["at"] <= span.end)]
    near = (inside["at"] // 5).astype(str) + inside["level"]
    return inside[~near.duplicated()].head(12)


def lines(
    frame: pd.DataFrame,
    panel: Panel,
    span: Span,
    top: float,
    events: pd.DataFrame | None = None,
    bottom: float = 0.0,
) -> dict[str, Any]:
    """Lines over time, in Vega-Lite's own words.

    `frame` has at (s), series, value and, for a band, low and high.
    """
    return {**specification(panel), "datasets": {DATA: _sent(frame, span, top, events, bottom)}}


@once
def _sent(
    frame: pd.DataFrame, span: Span, top: float, events: pd.DataFrame | None, bottom: float
) -> bytes:
    """The rows as they travel, in Arrow's stream format."""
    table = rows(frame, span, top, events, bottom)
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as stream:
        stream.write_table(table)
    sent: bytes = sink.getvalue().to_pybytes()
    return sent


@lru_cache(maxsize=128)
def specification(panel: Panel) -> dict[str, Any]:
    """How a panel's chart is drawn, without its data."""
    names = list(panel.colours)
    x = alt.X("at:T", title=None, axis=time_axis(), scale=alt.Scale(nice=False))
    y = alt.Y(
        "value:Q",
        title=panel.title,
        axis=alt.Axis(format=panel.axis, tickCount=5, titleFontWeight="normal", labelFlush=False),
        scale=alt.Scale(zero=True, nice=False),
    )
    legend = (
        alt.Legend(
            title=None,
            orient="top",
            symbolType="stroke",
            symbolOpacity=1,
            symbolStrokeWidth=3,
            columns=5 if len("".join(names)) < 60 else 3,
            labelLimit=220,
        )
        if panel.legend
        else None
    )
    colour = alt.Color(
        "series:N",
        scale=alt.Scale(domain=names, range=list(panel.colours.values())),
        legend=legend,
    )
    base = alt.Chart().transform_filter("datum.kind === 'value'")
    mark = (
        base.mark_area(interpolate="step-after", clip=True, opacity=0.85)
        if panel.bars
        else base.mark_line(strokeWidth=2, clip=True)
    )
    curve = mark.encode(x=x, y=y, color=colour)
    if panel.dashed:
        dashes = [[5, 3] if name in panel.dashed else [1, 0] for name in names]
        curve = curve.encode(
            strokeDash=alt.StrokeDash(
                # The same legend as the colours': the two become one, and it shows the dashes.
                "series:N",
                scale=alt.Scale(domain=names, range=dashes),
                legend=legend,
            )
        )
    if panel.faint:
        is_faint = " || ".join(f"datum.series === '{name}'" for name in panel.faint)
        curve = curve.encode(opacity=alt.condition(is_faint, alt.value(0.35), alt.value(1.0)))
    hover = base.mark_point(size=40, filled=True, opacity=0).encode(
        x=x, y=y, color=colour, tooltip=_tooltip(panel)
    )
    layers = [_band(x, colour), curve, hover, _ends(x, y), _events(x, panel.theme)]
    drawn = alt.layer(*layers, data=alt.NamedData(name=DATA)).properties(height=panel.height)
    with alt.theme.enable("none"):  # Streamlit's own is laid over it in the browser
        return dict(drawn.to_dict())


def time_axis() -> alt.Axis:
    """Clock times whose labels are left out rather than cut at the edge."""
    return alt.Axis(
        format="%H:%M:%S",
        labelOverlap="greedy",
        labelSeparation=12,
        labelBound=True,
        labelFlush=False,
        tickCount=6,
        grid=False,
    )


def _tooltip(panel: Panel) -> list[alt.Tooltip]:
    return [
        alt.Tooltip("at:T", title="Time", format="%H:%M:%S"),
        alt.Tooltip("series:N", title="Series"),
        alt.Tooltip("value:Q", title=panel.title, format=panel.number),
    ]


def _band(x: alt.X, colour: alt.Color) -> alt.Chart:
    drawn: alt.Chart = (
        alt.Chart()
        .transform_filter("isValid(datum.low)")
        .mark_area(opacity=0.18, clip=True)
        .encode(x=x, y=alt.Y("low:Q"), y2="high:Q", color=colour)
    )
    return drawn


def _ends(x: alt.X, y: alt.Y) -> alt.Chart:
    ends = alt.Chart().transform_filter("datum.kind === 'end'")
    drawn: alt.Chart = ends.mark_point(opacity=0).encode(x=x, y=y)
    return drawn


def _events(x: alt.X, theme: Theme) -> alt.Chart:
    is_event = "datum.kind === 'event'"
    shades = [
        {"test": f"datum.series === '{level}'", "value": shade}
        for level, shade in event_colours(theme).items()
    ]
    drawn: alt.Chart = (
        alt.Chart()
        .transform_filter(f"{is_event} || datum.kind === 'end'")
        .mark_rule(strokeDash=[2, 3])
        .encode(
            x=x,
            color=alt.Color(condition=shades, value="transparent"),
            # Without any width the ends have no tooltip either.
            strokeWidth=alt.condition(is_event, alt.value(1.5), alt.value(0)),
            tooltip=[
                alt.Tooltip("at:T", title="Time", format="%H:%M:%S"),
                alt.Tooltip("label:N", title="Event"),
            ],
        )
    )
    return drawn
