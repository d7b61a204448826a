"""Which forecaster is in use, and why: in words, from what is recorded."""

from __future__ import annotations

import math

import pandas as pd
import streamlit as st

from dashboard import data
from dashboard.parts import jobs
from dashboard.parts.agent_controls import tuned
from engine.forecast.backtest import least_intervals
from engine.forecast.tuning import config_of
from engine.forecast.words import forecaster_words

NAIVE = frozenset({"last", "seasonal"})


def line(source: data.SourceRow, round_: pd.DataFrame) -> None:
    """One sentence: what forecasts now, and why that one."""
    if round_.empty:
        st.caption("No forecast has been made yet; the first follows the first interval.")
        return
    used = str(round_["forecaster"].iloc[0])
    shade = "blue" if used in NAIVE else "green"
    st.markdown(f":{shade}-badge[In use: {forecaster_words(used)}] {_why(source, used)}")


def _why(source: data.SourceRow, used: str) -> str:
    values = tuned()
    wanted = values.text("forecast.forecaster")
    if wanted in NAIVE:
        return "It is set by hand; choose the LSTM on **System**, **Tunables**."
    scores = data.scores(source.id)
    chosen = scores[scores["chosen"].astype(bool) & (scores["cache_name"] == "*")]
    if not chosen.empty:
        return f"Judged on recorded requests: {chosen['note'].iloc[0] or 'It errs least.'}"
    config = config_of(values)
    have = int(data.recorded_seconds(source.id) // config.interval_s)
    least = least_intervals(config)
    if have < least:
        minutes = math.ceil((least - have) * config.interval_s / 60)
        unit = "minute" if minutes == 1 else "minutes"
        return (
            f"The {forecaster_words(wanted)} trains after about {minutes} more {unit} of requests: "
            f"{have} of {least} intervals are recorded."
        )
    if jobs.alive(["retrain"]):
        return f"The {forecaster_words(wanted)} is being trained now; see below."
    if used in NAIVE:
        return (
            f"The {forecaster_words(wanted)} has not been judged yet; its training starts soon, "
            f"and until then the {forecaster_words(used)} is used."
        )
    return "It was trained before; its next judgement is about to start."
