"""Tables of the Agent page: shadows, and the newest decisions."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from dashboard import data
from dashboard.charts import learning
from dashboard.charts.palette import POLICY_NAMES
from dashboard.parts import shell
from dashboard.parts.states import empty


def shadows(source: data.SourceRow) -> None:
    """The agent beside simple policies on the same requests."""
    width = shell.width_s()
    frame = data.traffic(source.id, shell.window_s(), width, tuple(POLICY_NAMES))
    table = learning.shadow_table(frame, POLICY_NAMES)
    st.markdown("**Shadows** · every policy replayed on the same requests, this window")
    if table.empty:
        empty("No requests in this window.", height=180)
        return
    st.dataframe(
        table,
        hide_index=True,
        key="agent-shadows",
        alt="Hit ratio and load time saved of every policy",
        column_config={
            "policy": "Policy",
            "requests": st.column_config.NumberColumn("Requests", format="localized"),
            "hit_ratio": st.column_config.NumberColumn("Hit ratio", format="percent"),
            "saved_ms": st.column_config.NumberColumn("Saved (ms/request)", format="%.1f"),
            "refresh_ms": st.column_config.NumberColumn("Refreshing (ms/request)", format="%.1f"),
            "lead_ms": st.column_config.NumberColumn("Over plain LRU (ms)", format="%+.1f"),
        },
    )


def latest(decisions: pd.DataFrame, limit: int = 40) -> pd.DataFrame:
    """The newest decisions as people read them."""
    shown = decisions.head(limit)
    return pd.DataFrame(
        {
            "time": pd.to_datetime(shown["at"].astype("float64"), unit="s", utc=True),
            "endpoint": shown["cache_name"],
            "action": shown["action"],
            "ttl_s": shown["ttl_seconds"],
            "explored": shown["explored"].astype(bool),
            "published": shown["published"].astype(bool),
            "state": shown["state"],
            "reason": shown["reason"],
        }
    )


def newest(decisions: pd.DataFrame) -> None:
    """The newest decisions with their reasons."""
    st.dataframe(
        latest(decisions),
        hide_index=True,
        key="agent-decisions",
        height=320,
        alt="Latest decisions with their reasons",
        placeholder="-",
        column_config={
            "time": st.column_config.DatetimeColumn("Time", format="HH:mm:ss"),
            "endpoint": "Endpoint",
            "action": "Action",
            "ttl_s": st.column_config.NumberColumn("Time to live (s)", format="%.0f"),
            "explored": "Explored",
            "published": "Published",
            "state": "State",
            "reason": st.column_config.TextColumn("Reason", width="large"),
        },
    )
