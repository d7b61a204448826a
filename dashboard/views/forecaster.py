"""Forecaster: are the forecasts right, and better than naive ones?"""

from __future__ import annotations

from functools import partial

import pandas as pd
import streamlit as st

from dashboard import client, data
from dashboard.charts import forecasts
from dashboard.charts.palette import colours
from dashboard.charts.panel import Panel
from dashboard.parts import exporting, forecast_tables, jobs, shell
from dashboard.parts.drawing import card, timeline
from dashboard.parts.states import engine_missing, no_source

WAITING = "No forecast of this endpoint has come due in this window. Wait one interval."


def compared(source: data.SourceRow, endpoint: str) -> pd.DataFrame:
    """Forecasts of one endpoint that have come due, beside what came."""
    window = shell.window_s()
    predictions = data.predictions(source.id, endpoint, window)
    rollups = data.traffic(source.id, window, 1, endpoint=endpoint)
    until = rollups["at"].max() + 1 if not rollups.empty else 0.0
    return forecasts.compare(predictions, rollups, until)


def figures(frame: pd.DataFrame, round_: pd.DataFrame) -> None:
    """Who forecasts, and how far off."""
    errors = forecasts.errors(frame)
    means = errors.groupby("series")["value"].last() if not errors.empty else pd.Series()
    mine, naive = means.get("forecast"), means.get("last")
    with st.grid(5, min_column_width=160):
        name = str(round_["forecaster"].iloc[0]) if not round_.empty else "-"
        st.metric("Forecaster in use", name, border=True, height="stretch")
        next_ = frame["demand"].iloc[-1] if len(frame) else None
        card("Demand forecast", next_, "/s", frame["demand"], digits=2, explains="Last interval")
        mistakes = errors[errors["series"] == "forecast"]["value"]
        card(
            "Error",
            mine,
            "/s",
            mistakes,
            digits=2,
            explains="Mean absolute error, last 12 intervals",
        )
        ratio = mine / naive if mine is not None and naive else None
        card("Error against naive", ratio, "x", digits=2, explains="Below 1 beats the last value")
        inside = (frame["came"] >= frame["low"]) & (frame["came"] <= frame["high"])
        hit = float(inside.mean()) if len(frame) else None
        covered = inside.astype("float64").rolling(12, min_periods=1).mean()
        card("Inside the band", hit, "", covered, percent=True, digits=0, explains="Of this window")


def charts(frame: pd.DataFrame) -> None:
    """Demand, its error, and load times."""
    theme = shell.theme()
    pair = colours(["came", "forecast"], theme)
    left, right = st.columns(2)
    with left:
        st.markdown("**Demand** · forecast with its band against what came")
        panel = Panel("Requests (1/s)", pair, ",.2f", dashed=("forecast",), theme=theme)
        timeline("forecast-demand", forecasts.demand_lines(frame), panel, waiting=WAITING)
    with right:
        st.markdown("**Error** · mean of 12 intervals, beside the last value's")
        both = colours(["forecast", "last"], theme)
        panel = Panel("Error (1/s)", both, ",.3f", "~g", dashed=("last",), theme=theme)
        timeline("forecast-error", forecasts.errors(frame), panel, waiting=WAITING, floor=0.1)
    st.markdown("**Load time of a miss** · forecast against what came")
    panel = Panel("Load time (ms)", pair, ",.1f", dashed=("forecast",), theme=theme, height=180)
    timeline("forecast-load", forecasts.load_lines(frame), panel, waiting=WAITING)


def page_live(source: data.SourceRow, endpoint: str) -> None:
    """Everything that moves."""
    frame = compared(source, endpoint)
    round_ = data.forecast_round(source.id)
    figures(frame, round_)
    charts(frame)
    forecast_tables.tables(source, endpoint, round_)
    jobs.progress(["retrain"])


if client.engine() is None:
    engine_missing()
found = data.active_source()
if found is None:
    no_source()
else:
    known = data.forecast_round(found.id)
    busiest = known.sort_values("demand", ascending=False)["cache_name"]
    names = list(dict.fromkeys(busiest)) or ["*"]
    with st.container(horizontal=True, vertical_alignment="bottom"):
        chosen = st.selectbox("Endpoint", names, key="endpoint", bind="query-params", width=320)
        if st.button("Retrain now", icon=":material/model_training:", key="retrain"):
            jobs.start("retrain", {})
        jobs.cancel_buttons(["retrain"])
    shell.live(page_live, found, str(chosen))
    exporting.downloads("forecasts", partial(compared, found, str(chosen)))
