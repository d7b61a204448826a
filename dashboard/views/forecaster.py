"""Forecaster: are the forecasts right, and better than naive ones?"""

from __future__ import annotations

from functools import partial

import pandas as pd
import streamlit as st

from dashboard import data
from dashboard.charts import forecasts
from dashboard.charts.palette import colours
from dashboard.charts.panel import Panel
from dashboard.parts import (
    exporting,
    forecast_status,
    forecast_tables,
    jobs,
    operating,
    shell,
    standstill,
)
from dashboard.parts.drawing import card, timeline
from dashboard.parts.states import no_source

WAITING = "No forecast of this endpoint has come due in this window. Wait one interval."


def compared(source: data.SourceRow, endpoint: str) -> pd.DataFrame:
    """Forecasts of one endpoint that have come due, beside what came."""
    window = shell.window_s()
    predictions = data.predictions(source.id, endpoint, window)
    rollups = data.traffic(source.id, window, 1, endpoint=endpoint)
    until = rollups["at"].max() + 1 if not rollups.empty else 0.0
    return forecasts.compare(predictions, rollups, until)


def figures(frame: pd.DataFrame) -> None:
    """What is forecast, and how far off."""
    errors = forecasts.errors(frame)
    mine = errors[errors["series"] == forecasts.MODEL].set_index("at")["value"]
    naive = errors[errors["series"] == forecasts.NAIVE].set_index("at")["value"]
    ratio = (mine / naive.where(naive > 0)).dropna()
    inside = ((frame["came"] >= frame["low"]) & (frame["came"] <= frame["high"])).astype("float64")
    with st.grid(5, min_column_width=160):
        card("Demand forecast", _last(frame["demand"]), "/s", frame["demand"], digits=2,
             explains="Requests per second of the newest interval that is over")  # fmt: skip
        loads = frame["load_time_ms"]
        card("Load time forecast", _last(loads), "ms", loads, digits=1,
             explains="Expected time to load a result that the cache does not hold")  # fmt: skip
        card("Error", _last(mine), "/s", mine, digits=2,
             explains="How far demand was off: mean of the last 12 intervals")  # fmt: skip
        card("Error against last value", _last(ratio), "x", ratio, digits=2,
             explains="Below 1: better than saying that nothing changes")  # fmt: skip
        share = float(inside.mean()) if len(frame) else None
        card("Inside the band", share, "", inside.rolling(12, min_periods=1).mean(), percent=True,
             digits=0, explains="Share of intervals whose demand lay in the band; 80% is meant",
        )  # fmt: skip


def _last(values: pd.Series) -> float | None:
    known = values.dropna()
    return float(known.iloc[-1]) if len(known) else None


def charts(frame: pd.DataFrame) -> None:
    """Demand, its error, and load times."""
    theme = shell.theme()
    pair = colours([forecasts.CAME, forecasts.MODEL], theme)
    dashed = (forecasts.MODEL,)
    left, right = shell.pair()
    with left:
        st.markdown("**Demand** · forecast with its band, against what came")
        panel = Panel("Requests (1/s)", pair, ",.2f", dashed=dashed, theme=theme)
        timeline("forecast-demand", forecasts.demand_lines(frame), panel, waiting=WAITING)
    with right:
        st.markdown("**Error** · mean of 12 intervals, beside that of the last value")
        both = colours([forecasts.MODEL, forecasts.NAIVE], theme)
        panel = Panel("Error (1/s)", both, ",.3f", "~f", dashed=(forecasts.NAIVE,), theme=theme)
        timeline("forecast-error", forecasts.errors(frame), panel, waiting=WAITING, floor=0.1)
    st.markdown("**Load time of a miss** · forecast against what came, mean of each interval")
    panel = Panel("Load time (ms)", pair, ",.1f", dashed=dashed, theme=theme, height=180)
    timeline("forecast-load", forecasts.load_lines(frame), panel, waiting=WAITING)


def page_live(source: data.SourceRow, endpoint: str) -> None:
    """Everything that moves."""
    shell.follow(jobs.alive(["retrain"]))
    frame = compared(source, endpoint)
    round_ = data.forecast_round(source.id)
    forecast_status.line(source, round_)
    figures(frame)
    charts(frame)
    forecast_tables.tables(source, endpoint, round_)


standstill.notice()
found = data.active_source()
if found is None:
    no_source()
else:
    known = data.forecast_round(found.id)
    busiest = known.sort_values("demand", ascending=False)["cache_name"]
    names = list(dict.fromkeys(busiest)) or ["*"]
    with st.container(horizontal=True, vertical_alignment="bottom"):
        chosen = st.selectbox(
            "Endpoint",
            names,
            key="endpoint",
            bind="query-params",
            width=320,
            format_func=lambda name: "(none forecast yet)" if name == "*" else name,
        )
        if operating.button(
            "Train now",
            icon=":material/model_training:",
            key="retrain",
            disabled=bool(jobs.alive(["retrain"])),
            help="Train anew on what is recorded, and judge all forecasters again",
        ):
            jobs.start("retrain", {})
            st.rerun()
        jobs.cancel_buttons(["retrain"])
    shell.live(page_live, found, str(chosen))
    exporting.downloads("forecasts", partial(compared, found, str(chosen)))
