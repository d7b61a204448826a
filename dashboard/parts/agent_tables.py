"""Tables of the Agent page: shadows, and the newest decisions."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from dashboard import data
from dashboard.charts import shadows as figures
from dashboard.charts.palette import POLICY_NAMES
from dashboard.parts import agent_controls, shell
from dashboard.parts.states import empty
from engine.agent.discretiser import describe
from engine.agent.words import action_words

SHARES = ("hit_ratio", "stale_share")
ROW_HEIGHT = 64
"""Pixels of a decision's row: from here on Streamlit wraps cells, so that none is cut."""


def shadows(source: data.SourceRow) -> None:
    """The agent beside simple policies on the same requests."""
    weight = agent_controls.tuned().number("agent.stale_weight_ms")
    width = shell.width_s()
    frame = data.traffic(source.id, shell.window_s(), width, tuple(POLICY_NAMES))
    table = figures.shadow_table(frame, POLICY_NAMES, weight)
    st.markdown("**Shadows** · every policy replayed on the same requests, this window")
    if table.empty:
        empty("No requests in this window.", height=180)
        return
    st.dataframe(
        table.assign(
            lead_ms=table["lead_ms"].round(2) + 0.0,  # without it a tie shows as -0.00
            **{name: 100.0 * table[name] for name in SHARES},
        ),
        hide_index=True,
        key="agent-shadows",
        alt="Net saving of every policy, the best first",
        column_config={
            "policy": "Policy",
            "requests": st.column_config.NumberColumn("Requests", format="localized"),
            "hit_ratio": st.column_config.NumberColumn("Hit ratio", format="%.1f %%"),
            "stale_share": st.column_config.NumberColumn("Stale hits", format="%.1f %%"),
            "saved_ms": st.column_config.NumberColumn("Saved (ms/request)", format="%.2f"),
            "refresh_ms": st.column_config.NumberColumn("Refreshing (ms/request)", format="%.2f"),
            "stale_ms": st.column_config.NumberColumn("Stale price (ms/request)", format="%.2f"),
            "net_ms": st.column_config.NumberColumn("Net (ms/request)", format="%.2f"),
            "lead_ms": st.column_config.NumberColumn("Net over plain LRU (ms)", format="%+.2f"),
        },
    )
    st.caption(
        f"Net = load time saved - refreshing - {weight:g} ms x stale hits, per request. "
        "It is what the agent is paid by, but for bytes, which cost only in a nearly full cache."
    )
    late = figures.unseen(frame)
    if late:
        st.caption(
            f":orange[{late:,} requests of this window came too late for the shadows], which meet "
            "each request in order of time; they count as measured alone."
        )


def latest(decisions: pd.DataFrame, limit: int = 40) -> pd.DataFrame:
    """The newest decisions as people read them."""
    shown = decisions.head(limit)
    states = shown["state"].map(describe)
    reasons = [
        # Beside its own column the state would be said twice.
        reason.replace(f" while {state}", "").replace(f" when {state}", "")
        for reason, state in zip(shown["reason"].fillna(""), states, strict=True)
    ]
    return pd.DataFrame(
        {
            "time": pd.to_datetime(shown["at"].astype("float64"), unit="s", utc=True),
            "endpoint": shown["cache_name"],
            "action": shown["action"].map(action_words),
            "ttl_s": shown["ttl_seconds"],
            "explored": shown["explored"].astype(bool),
            "published": shown["published"].astype(bool),
            "state": states,
            "reason": reasons,
        }
    )


def newest(decisions: pd.DataFrame) -> None:
    """The newest decisions with their reasons."""
    shown = latest(decisions)
    st.dataframe(
        shown.assign(time=shown["time"].dt.tz_convert(shell.zone())),
        hide_index=True,
        key="agent-decisions",
        height=470,
        row_height=ROW_HEIGHT,
        alt="Latest decisions with their reasons",
        placeholder="-",
        column_config={
            "time": st.column_config.DatetimeColumn("Time", format="HH:mm:ss", width=70),
            "endpoint": st.column_config.TextColumn("Endpoint", width=180),
            "action": st.column_config.TextColumn("Action", width=110),
            "ttl_s": st.column_config.NumberColumn("Kept for (s)", format="%.0f", width=80),
            "explored": st.column_config.CheckboxColumn("Explored", width=70),
            "published": st.column_config.CheckboxColumn("Published", width=70),
            "state": st.column_config.TextColumn("State", width=190),
            "reason": st.column_config.TextColumn("Reason", width=250),
        },
    )
