"""The end of a service's log, by level, following as it grows."""

from __future__ import annotations

import streamlit as st

from dashboard import client
from dashboard.parts import shell
from dashboard.parts.states import empty
from engine import actions

LEVELS = ["DEBUG", "INFO", "WARNING", "ERROR"]
LINES = 300


def viewer() -> None:
    """Choose service and level; the tail moves, unless refresh is paused."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        name = st.selectbox(
            "Log of", actions.log_names(), key="log", bind="query-params", width=220
        )
        level = st.segmented_control(
            "From level", LEVELS, default="INFO", required=True, key="level", bind="query-params"
        )
        st.download_button(
            "Download",
            data=lambda: "\n".join(_lines(str(name), str(level), 20_000)).encode(),
            file_name=f"{name}.log",
            mime="text/plain",
            key="log-download",
            icon=":material/download:",
            on_click="ignore",
        )
    shell.live(_tail, str(name), str(level))


def _lines(name: str, level: str, count: int) -> list[str]:
    outcome = client.ask(actions.tail_log, name, count, level)
    return list(outcome.value or []) if outcome.done else [outcome.sentence]


def _tail(name: str, level: str) -> None:
    lines = _lines(name, level, LINES)
    if not lines:
        empty(f"{name} has logged nothing at {level} or above yet.", height=320)
        return
    with st.container(height=460, autoscroll=True, border=True):
        st.code("\n".join(lines), language=None, wrap_lines=True)
    st.caption(f"The last {len(lines)} lines; times are UTC.")
