"""The course under a headline figure: an area without axes, always of the same specification.

Streamlit's own (`st.metric(chart_data=…)`) is made anew for every figure, and its layer for the
pointer has no row, of which Vega warns in the browser's console each time.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pyarrow as pa

from dashboard.charts.palette import Theme, colour

HEIGHT = 56


def rows(values: Sequence[float]) -> pa.Table:
    """One row a value: its place x, itself y, and where the area under it starts.

    As it travels: to make a frame first would take longer than all the rest.
    """
    low, high = min(values), max(values)
    start = 0.0 if low < 0 < high else low
    return pa.table({"x": range(len(values)), "y": values, "start": [start] * len(values)})


def plot(values: Sequence[float], theme: Theme, number: str) -> dict[str, Any]:
    """The chart of `rows(values)` in Vega-Lite's own words: Altair would check it at every tick.

    The rows go as a named data set, since Streamlit draws a chart with unnamed ones empty at first.

    Args:
        values: the figures, at least one, in order.
        theme: of the page.
        number: how the pointer's figure is written, as a d3 format such as `.1%`.
    """
    shade = colour("measured", theme)
    x, y = (
        {"field": name, "type": "quantitative", "axis": None, "scale": _TIGHT}
        for name in ("x", "y")
    )
    told = {"field": "y", "type": "quantitative", "title": "Value", "format": number}
    return {
        "data": {"name": "course"},
        "datasets": {"course": rows(values)},
        "layer": [
            {
                "mark": {"type": "area", "color": shade, "opacity": 0.15},
                "encoding": {"x": x, "y": y, "y2": {"field": "start"}},
            },
            {
                "mark": {"type": "line", "color": shade, "strokeWidth": 1.5},
                "encoding": {"x": x, "y": y},
            },
            {
                "mark": {"type": "point", "opacity": 0, "size": 60},
                "encoding": {"x": x, "y": y, "tooltip": [told]},
            },
        ],
        "height": HEIGHT,
        "padding": {"left": 0, "right": 0, "top": 2, "bottom": 2},
        "config": {"view": {"stroke": None}},
    }


_TIGHT = {"zero": False, "nice": False}
