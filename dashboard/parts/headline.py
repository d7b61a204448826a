"""The Overview's six headline figures, and how fresh they are."""

from __future__ import annotations

import time

import pandas as pd
import streamlit as st

from dashboard import data
from dashboard.charts import learning
from dashboard.parts import agent_controls, shell
from dashboard.parts.drawing import card

STALE_S = 15.0
"""Older figures are shown as a dash, not as if they were current."""


def figures(source: data.SourceRow) -> None:
    """Six headline figures with their course over the window."""
    width, window = shell.width_s(), shell.window_s()
    recorded = data.recorded(source.id, window, width)
    newest = float(recorded["at"].max()) + width if not recorded.empty else None
    current = newest is not None and time.time() - newest <= STALE_S + width
    queue = data.queue(window)
    working = not queue.empty and time.time() - float(queue["at"].max()) <= STALE_S
    rewards = learning.means(data.rewards(source.id, window))
    ratios, saved = recorded["hit_ratio"], recorded["saved_ms"]
    whole = recorded["rate"].iloc[:-1]  # the newest bucket is still filling
    with st.grid(6, min_column_width=150):
        recent = whole.tail(max(1, 10 // width))
        card(
            "Requests",
            _mean(recent) if current else None,
            "/s",
            whole,
            explains="Per second, mean of the last 10 s",
        )
        card(
            "Hit ratio",
            _last(ratios) if current else None,
            "",
            ratios,
            percent=True,
            explains="Last 10 s, measured",
        )
        card(
            "Load time saved",
            _last(saved) if current else None,
            "ms/req",
            saved,
            explains="Per request, last 10 s: each hit's last known miss cost minus its own time",
        )
        depth = queue["depth_max"].astype("float64")
        top = float(depth.tail(10).max()) if working else None
        card("Queue depth", top, "/ 100", depth, digits=0, explains="Highest of the last 10 s")
        delay = queue["dequeue_p95_ms"].astype("float64").dropna()
        late = _last(delay) if working else None
        card("Dequeue delay p95", late, "ms", delay, digits=3, explains="Last second with a read")
        interval = agent_controls.tuned().number("forecast.interval_s")
        paid = (
            bool(len(rewards)) and time.time() - float(rewards.index[-1]) <= STALE_S + 2 * interval
        )
        card(
            "Reward",
            _mean(rewards.tail(5)) if paid else None,
            "ms",
            rewards.rolling(5, min_periods=1).mean(),
            explains="Per decision, mean of the last 5 intervals: load time saved minus costs",
        )
    freshness(newest, source)


def _last(values: pd.Series) -> float | None:
    known = values.dropna()
    return float(known.iloc[-1]) if len(known) else None


def _mean(values: pd.Series) -> float | None:
    known = values.dropna()
    return float(known.mean()) if len(known) else None


def _steers(source: data.SourceRow) -> str:
    """What the agent may do and does, in words."""
    values = agent_controls.tuned()
    mode = agent_controls.effective(values.text("agent.mode"), source)
    newest = data.decisions(source.id, 60)
    up = agent_controls.agent_is_up()
    now = agent_controls.standing_of(mode, values.flag("agent.hold"), newest, up=up)
    return {
        "controls the cache": "controls the cache",
        "control, suspended": "is suspended while plain LRU does better",
        "control, on hold": "is on hold",
        "advises only": "advises only: nothing is published",
    }.get(now.words, "is stopped")


def freshness(newest: float | None, source: data.SourceRow) -> None:
    """How old the newest figures are, and whose they are."""
    whose = "your own system" if source.is_own else "the sample"
    costs = f"load times {source.costs} · the agent {_steers(source)}"
    if newest is None:
        st.caption(f"No requests of {whose} in this window · {costs}")
    elif time.time() - newest > STALE_S:
        clock = shell.clock(newest)
        st.caption(f":orange[No new requests of {whose} since {clock}] · {costs}")
    else:
        st.caption(f"Requests of {whose}, {max(0.0, time.time() - newest):.0f} s old · {costs}")
