"""What every page says first when nothing runs: no engine, or an engine without services."""

from __future__ import annotations

import streamlit as st

from dashboard import client
from dashboard.client import DOWN
from dashboard.parts.controls import start_everything
from dashboard.parts.states import engine_missing


def notice() -> None:
    """Say that nothing runs, with the button that changes it; nothing where something runs."""
    engine = client.engine()
    if engine is None:
        engine_missing()
    elif engine.services and all(service.state in DOWN for service in engine.services):
        _all_stopped()


def _all_stopped() -> None:
    with st.container(border=True, horizontal=True, vertical_alignment="center"):
        st.markdown(
            ":orange[:material/stop_circle:] **All services are stopped.** What you see was "
            "recorded before; nothing new comes until they run."
        )
        if st.button("Start all services", type="primary", key="start-everything"):
            start_everything()
