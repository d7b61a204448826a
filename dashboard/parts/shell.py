"""The frame around every page: title, time window, refresh, and the live part."""

from __future__ import annotations

import time
from collections.abc import Callable, Hashable
from datetime import UTC, datetime, tzinfo
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from dashboard import client, data
from dashboard.charts.palette import Theme
from dashboard.charts.panel import Span
from dashboard.parts import telling, visiting
from dashboard.parts.states import faults_shown

WINDOWS = {"1m": 60, "5m": 300, "15m": 900, "1h": 3600}
REFRESH: dict[str, float | None] = {"paused": None, "1 s": 1.0, "2 s": 2.0, "5 s": 5.0}
YOUNG_S = 5.0
STEP_S = 0.5
LEAST_SPAN_S = 30.0
"""A chart never shows less than this, so that a first point is not a whole chart."""
DEFAULT_WINDOW, DEFAULT_REFRESH = "5m", "2 s"


_DRAWN = "shell-drawn"
"""Slot of the states that the buttons of this page were drawn for."""


def header(title: str, icon: str, timed: bool = True) -> None:
    """The page's title and the controls that all pages share; both live in the URL.

    Where a page shows no window of time (`timed`), that control stands still.
    """
    telling.say()
    with st.container(
        horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"
    ):
        st.title(f"{icon} {title}", anchor=False, width="content")
        with st.container(
            horizontal=True, vertical_alignment="center", width="content", gap="medium"
        ):
            st.segmented_control(
                "Time window",
                list(WINDOWS),
                default=DEFAULT_WINDOW,
                required=True,
                key="window",
                bind="query-params",
                label_visibility="collapsed",
                disabled=not timed,
                help="Time window, shared by all live pages",
            )
            st.segmented_control(
                "Refresh",
                list(REFRESH),
                default=DEFAULT_REFRESH,
                required=True,
                key="refresh",
                bind="query-params",
                label_visibility="collapsed",
                help="How often live figures are read",
            )
            visiting.shown()


def pair() -> tuple[DeltaGenerator, DeltaGenerator]:
    """Two places side by side, one below the other where the window is narrow."""
    grid = st.grid(2, min_column_width=400, gap="medium")
    return grid.container(), grid.container()


def window_s() -> int:
    """Seconds of the shared time window."""
    return WINDOWS.get(str(st.session_state.get("window")), WINDOWS[DEFAULT_WINDOW])


def width_s(*, per_endpoint: bool = False) -> int:
    """Width of the rollups that suit the window: few hundred points, never thousands."""
    window = window_s()
    if per_endpoint:
        return 1 if window <= 60 else 10
    return 1 if window <= 300 else 10


def span() -> Span:
    """The shared time window up to now; while the system is younger, from its first figure on."""
    # To the half second, so that one drawing serves all who look at about the same time.
    now, window = time.time() // STEP_S * STEP_S, window_s()
    first = data.first_at(window)
    start = now - window
    if first is not None and first > start + YOUNG_S:
        start = first - 1.0
    return Span(start, max(now, start + LEAST_SPAN_S))


def theme() -> Theme:
    """The viewer's theme; still where nothing runs, so that old figures do not look alive."""
    if st.context.theme.type == "dark":
        return "dark still" if client.stands_still() else "dark"
    return "light still" if client.stands_still() else "light"


def stored_theme() -> Theme:
    """The viewer's theme for what is stored: it is no older because nothing runs."""
    return "dark" if st.context.theme.type == "dark" else "light"


def zone() -> tzinfo:
    """The viewer's time zone, as the charts use it."""
    try:
        return ZoneInfo(st.context.timezone or "UTC")
    except (ZoneInfoNotFoundError, ValueError):
        return UTC


def clock(at: float) -> str:
    """A moment as hours, minutes and seconds in the viewer's time zone."""
    return datetime.fromtimestamp(at, zone()).strftime("%H:%M:%S")


def follow(extra: Hashable = None) -> None:
    """Draw the whole page anew when states or jobs changed, so that its buttons fit them.

    Buttons stand outside the live part, which would otherwise keep showing an old state.
    """
    engine = client.shown_engine()
    states = None if engine is None else tuple((s.name, s.state) for s in engine.services)
    now = (states, extra)
    before = st.session_state.get(_DRAWN)
    st.session_state[_DRAWN] = now
    if before is not None and before != now:
        st.rerun()


def live(draw: Callable[..., None], *args: Any) -> None:  # noqa: ANN401 - passed on
    """Draw now and again at the chosen refresh; errors show as sentences and it goes on ticking."""
    every = REFRESH.get(str(st.session_state.get("refresh")), REFRESH[DEFAULT_REFRESH])

    def tick() -> None:
        with faults_shown():
            draw(*args)

    st.session_state.pop(_DRAWN, None)
    st.fragment(tick, run_every=every, key="live")()
