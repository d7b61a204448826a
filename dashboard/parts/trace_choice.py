"""Choosing the requests that a comparison or a training works on."""

from __future__ import annotations

from typing import Any

import streamlit as st

from dashboard import client, data, stored
from dashboard.parts import adding_data, jobs, operating, telling
from dashboard.parts.services import cell
from dashboard.parts.states import empty
from engine.actions import traces as trace_actions

COSTS = {
    "measured": ":green-badge[load times measured]",
    "modelled": ":orange-badge[load times modelled, not measured]",
    "none": ":gray-badge[no load times]",
}


def chooser() -> stored.Row | None:
    """The stored trace that a person chose, with what is known of it; None while there is none."""
    fresh = _imported()
    traces = {str(one["name"]): one for one in stored.traces()}
    if fresh in traces:
        st.session_state["trace"] = fresh
    chosen = None
    if traces:
        with st.container(horizontal=True, vertical_alignment="bottom"):
            name = st.selectbox(
                "Requests",
                list(traces),
                key="trace",
                bind="query-params",
                width=460,
                format_func=lambda one: f"{one} · {traces[one]['requests']:,} requests",
            )
            chosen = traces[str(name)]
            if operating.button("Remove …", key="trace-remove", icon=":material/delete:"):
                _remove(str(name))
        _told(chosen)
    elif not jobs.alive(adding_data.KINDS):
        empty(
            "No requests to work on yet. Start with **Add data** below: what the sample or your "
            "system recorded, an access log, a CSV or Parquet file, or a published trace.",
            height=120,
            icon="database",
        )
    adding_data.form(expanded=not traces and not jobs.alive(adding_data.KINDS))
    return chosen


def _imported() -> str:
    """The trace of an import that ended since this session's last look; empty where none did."""
    newest = data.jobs(tuple(adding_data.KINDS)).head(1).to_dict("records")
    run = f"{newest[0]['id']}:{newest[0]['state']}" if newest else ""
    before = st.session_state.get(_SEEN)
    st.session_state[_SEEN] = run
    if before is None or before == run or not run.endswith(":done"):
        return ""
    stored.traces.clear()
    found = stored.job_result(str(newest[0]["id"]), "done")
    return str(found["info"]["name"]) if found else ""


_SEEN = "trace-import-seen"
"""Slot of the newest import and its state at this session's last look."""


def _told(info: stored.Row) -> None:
    sizes = "" if info["sizes"] == "recorded" else " :gray-badge[no sizes: each counts as 1 byte]"
    st.markdown(
        f"{COSTS.get(str(info['costs']), '')}{sizes} {cell(info['origin'])} · "
        f"{info['distinct']:,} keys · {len(info['groups']):,} endpoints · "
        f"{len(info['columns']):,} further columns"
        + (f" · {info['malformed']:,} malformed lines left out" if info["malformed"] else "")
    )
    for note in filter(None, (info["cost_model"], *info["notes"])):
        st.caption(cell(str(note)))


@st.dialog("Remove this trace?")
def _remove(name: str) -> None:
    st.markdown(
        f"The trace **{cell(name)}** goes from the disk; what it was read from stays, and so do "
        "models trained on it."
    )
    with st.container(horizontal=True, horizontal_alignment="right"):
        if st.button("Cancel", key="trace-remove-no"):
            st.rerun()
        given: Any = {"on_click": _removed, "args": (name,)}
        if operating.button("Remove", type="primary", key="trace-remove-yes", **given):
            st.rerun()


def _removed(name: str) -> None:
    outcome = stored.ask(trace_actions.remove_trace, name, client.who(), data.settings())
    telling.keep(outcome, f"{name} is removed")
