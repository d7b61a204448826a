"""What every page says first when nothing runs: no engine, or an engine without services."""

from __future__ import annotations

import streamlit as st

from dashboard import client
from dashboard.parts import operating, shell
from dashboard.parts.controls import start_everything
from dashboard.parts.states import engine_missing


def notice() -> None:
    """Say that nothing runs, with the button that changes it; nothing where something runs."""
    engine = client.engine()
    if engine is None:
        engine_missing()
    elif engine.stopped_at is not None:
        _all_stopped(engine.stopped_at)


def no_engine() -> None:
    """Say that no engine runs, on a page whose work needs one; services matter to it no more."""
    if client.engine() is None:
        engine_missing("Jobs need one; what they found before is all here.")


def _all_stopped(at: float) -> None:
    with st.container(border=True, horizontal=True, vertical_alignment="center"):
        st.markdown(
            ":orange[:material/stop_circle:] **All services are stopped.** Stopped at "
            f"{shell.clock(at)}, nothing newer: charts show in grey what was recorded before."
        )
        if operating.button("Start all services", type="primary", key="start-everything"):
            start_everything()
