"""System: how is it set, what does it log, which versions run?"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import pandas as pd
import streamlit as st

from dashboard import client, data
from dashboard.parts import logs, settings_table, shell, standstill, tunables_editor
from dashboard.parts.services import owner_line, table
from dashboard.parts.states import empty

TABS = ("Tunables", "Logs", "Settings", "Checks", "Who does what")

LABELS = {
    "at": "When",
    "who": "Who",
    "action": "What",
    "params": "With",
    "result": "Result",
    "name": "Work",
    "owner": "Engine",
    "since": "Since",
    "until": "Held until",
}


def work_shared() -> None:
    """Owner of the engine, leases, and what people asked."""
    engine = client.shown_engine()
    if engine is None:
        empty("No engine is running.", height=120, icon="power_off")
    else:
        st.caption(owner_line(engine))
        table(engine)
    st.markdown("**Leases** · which engine works on this store; the others stand by")
    leases = data.leases()
    if leases.empty:
        st.caption("No engine has taken work on this store yet.")
    else:
        _times(leases, "leases", ["since", "until"], "Who holds which work")
    st.markdown("**Audit** · what people asked, newest first")
    asked = data.audit()
    if asked.empty:
        st.caption("Nobody has asked anything yet.")
    else:
        _times(asked[["at", "who", "action", "params", "result"]], "audit", ["at"], "Audit")


def _times(frame: pd.DataFrame, key: str, times: list[str], says: str) -> None:
    shown = frame.copy()
    for name in times:
        shown[name] = pd.to_datetime(shown[name].astype("float64"), unit="s", utc=True)
        shown[name] = shown[name].dt.tz_convert(shell.zone())
    if "params" in shown:
        shown["params"] = shown["params"].astype(str)
    st.dataframe(
        shown,
        hide_index=True,
        key=f"system-{key}",
        alt=says,
        column_config=LABELS
        | {
            name: st.column_config.DatetimeColumn(LABELS[name], format="YYYY-MM-DD HH:mm:ss")
            for name in times
        },
    )


def checks() -> None:
    """What the doctor finds, and the versions in use."""
    if st.button("Check again", icon=":material/stethoscope:", key="doctor"):
        settings_table.findings.clear()
    settings_table.doctor()
    st.markdown("**Versions**")
    settings_table.versions()


standstill.notice()
DRAWN: tuple[Callable[[], None], ...] = (
    tunables_editor.editor,
    logs.viewer,
    settings_table.settings,
    checks,
    partial(shell.live, work_shared),
)
tabs = st.tabs(TABS, key="tab", on_change="rerun", bind="query-params")
for tab, draw in zip(tabs, DRAWN, strict=True):
    if tab.open:
        with tab:
            draw()
