"""Every layer of a chart gives its axes a reach: Vega warns of each that does not."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest

from dashboard.charts import delays, panel, spark
from dashboard.charts.palette import colours

SPAN = panel.Span(100, 160)
ONE = pd.DataFrame({"at": [110.0], "series": ["x"], "value": [1.0]})
EVENT = pd.DataFrame({"at": [120.0], "service": ["a"], "level": ["error"], "message": ["m"]})


def holds(test: str, row: dict[str, Any]) -> bool:
    """Evaluate a layer's filter, as far as ours go."""
    names = {"isValid": lambda value: not pd.isna(value), "datum": type("Datum", (), row)}
    python = test.replace("===", "==").replace("||", " or ").replace("&&", " and ")
    return bool(eval(python, {"__builtins__": {}}, names))  # noqa: S307 - our own words


def without_reach(spec: dict[str, Any], rows: pd.DataFrame) -> list[tuple[int, str, str]]:
    """Place of a layer, channel and field of every axis that finds no figure in its layer."""
    found = []
    for place, layer in enumerate(spec["layer"]):
        tests = [step["filter"] for step in layer.get("transform", ())]
        known = [
            {str(name): value for name, value in row.items()} for row in rows.to_dict("records")
        ]
        mine = [row for row in known if all(holds(test, row) for test in tests)]
        for channel in ("x", "y", "y2"):
            field = layer["encoding"].get(channel, {}).get("field")
            if field and not any(not pd.isna(row[field]) for row in mine):
                found.append((place, channel, str(field)))
    return found


@pytest.mark.parametrize("events", [None, EVENT])
@pytest.mark.parametrize("bars", [False, True])
def test_a_time_chart_without_band_and_events(events: pd.DataFrame | None, bars: bool) -> None:
    look = panel.Panel("A", colours(["x"], "light"), bars=bars)
    spec = panel.lines(ONE, look, SPAN, 2.0, events)
    assert len(spec["layer"]) == 5
    assert without_reach(spec, panel.rows(ONE, SPAN, 2.0, events).to_pandas()) == []


def test_the_ends_that_give_reach_draw_neither_a_band_nor_an_event() -> None:
    rows = panel.rows(ONE, SPAN, 2.0, EVENT, bottom=-1.0).to_pandas()
    ends = rows[rows["kind"] == "end"]
    assert (ends["low"] == ends["high"]).all()
    spec = panel.lines(ONE, panel.Panel("A", {"x": "#000000"}), SPAN, 2.0, EVENT)
    width = spec["layer"][-1]["encoding"]["strokeWidth"]
    assert width == {"condition": {"test": "datum.kind === 'event'", "value": 1.5}, "value": 0}


@pytest.mark.parametrize("median", [0.4, 0.0])
def test_delays_with_and_without_a_median(median: float) -> None:
    frame = pd.DataFrame(
        {"at": [110.0], "put_p50_ms": [median], "put_p95_ms": [2.0], "put_p99_ms": [3.0]}
    )
    spec = delays.plot(frame, "put", SPAN, "dark").to_dict()
    assert without_reach(spec, delays.rows(frame, "put", SPAN)) == []


@pytest.mark.parametrize("values", [[1.0, 1.0], [-2.0, 3.0], [5.0, 7.0, 6.0]])
def test_the_course_under_a_figure(values: list[float]) -> None:
    spec = spark.plot(values, "light", ",.1f")
    rows = spec["datasets"][spec["data"]["name"]].to_pandas()
    assert without_reach(spec, rows) == []
    assert rows["start"].iloc[0] == (0.0 if values[0] < 0 else min(values))


def test_colours_are_grey_where_nothing_runs() -> None:
    names = ["measured", "agent", "heuristic", "always keep", "plain LRU"]
    for theme in ("light still", "dark still"):
        shades = list(colours(names, theme).values())
        assert len(set(shades)) == len(names)
        assert all(shade[1:3] == shade[3:5] == shade[5:7] for shade in shades)
