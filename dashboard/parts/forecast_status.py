"""Which forecaster is in use, and why: in words, from what is recorded."""

from __future__ import annotations

import math

import pandas as pd
import streamlit as st

from dashboard import data
from dashboard.parts import jobs
from dashboard.parts.agent_controls import tuned
from engine.forecast.retrain import least_intervals
from engine.forecast.tuning import config_of

NAMES = {"last": "last value", "seasonal": "value one season ago", "lstm": "LSTM"}
NAIVE = frozenset({"last", "seasonal"})


def name_of(forecaster: str) -> str:
    """A forecaster as people call it."""
    return NAMES.get(forecaster, forecaster)


def line(source: data.SourceRow, round_: pd.DataFrame) -> None:
    """One sentence: what forecasts now, and why that one."""
    if round_.empty:
        st.caption("No forecast has been made yet; the first follows the first interval.")
        return
    used = str(round_["forecaster"].iloc[0])
    shade = "blue" if used in NAIVE else "green"
    st.markdown(f":{shade}-badge[In use: {name_of(used)}] {_why(source, used)}")


def _why(source: data.SourceRow, used: str) -> str:
    values = tuned()
    wanted = values.text("forecast.forecaster")
    if wanted in NAIVE:
        return "It is set by hand; choose the LSTM on **System**, **Tunables**."
    scores = data.scores(source.id)
    chosen = scores[scores["chosen"].astype(bool) & (scores["cache_name"] == "*")]
    if not chosen.empty:
        note = str(chosen["note"].iloc[0] or "")
        return f"Judged on recorded requests: {worded(note).rstrip('.') or 'It errs least'}."
    config = config_of(values)
    have = int(data.recorded_seconds(source.id) // config.interval_s)
    least = least_intervals(config)
    if have < least:
        minutes = math.ceil((least - have) * config.interval_s / 60)
        unit = "minute" if minutes == 1 else "minutes"
        return (
            f"The {name_of(wanted)} trains after about {minutes} more {unit} of requests: "
            f"{have} of {least} intervals are recorded."
        )
    if jobs.alive(["retrain"]):
        return f"The {name_of(wanted)} is being trained now; see below."
    if used in NAIVE:
        return (
            f"No {name_of(wanted)} has been judged on enough requests yet: its next training is "
            f"about to start, and until then the {name_of(used)} is used."
        )
    return "It was trained before; its next judgement is about to start."


def worded(note: str) -> str:
    """The forecaster's own note with its names as people call them."""
    text = f" {note}"
    for name in ("lstm", "last", "seasonal"):
        text = text.replace(f" {name} ", f" the {name_of(name)} ")
    text = text.strip()
    return text[:1].upper() + text[1:]
