"""Seeding a history and sending traffic, as jobs."""

from __future__ import annotations

from typing import Any

import streamlit as st

from dashboard import client, data
from dashboard.parts import jobs, operating

KINDS = ["seed", "simulate"]
SEED_SLOT, SIMULATE_SLOT = "seed-form", "simulate-form"
"""Where the session keeps whether a form is open."""

WORKLOADS = {
    "daily": "Daily cycle",
    "zipf": "Steady, few keys popular",
    "bursts": "Bursts",
    "shift": "Popularity shifts",
    "scan": "Scan that pollutes the cache",
}


def forms(source: data.SourceRow | None) -> None:
    """Two buttons with their parameters; synthetic rows beside an own source need a yes."""
    own = follows_own(source)
    with st.container(horizontal=True, vertical_alignment="center"):
        slot: Any = {"key": SEED_SLOT, "on_change": "rerun"}
        with st.popover("Write a history …", icon=":material/database_upload:", **slot):
            _seed(own)
        slot = {"key": SIMULATE_SLOT, "on_change": "rerun"}
        with st.popover("Send requests …", icon=":material/send:", **slot):
            _simulate(own)
        jobs.cancel_buttons(KINDS)


def follows_own(source: data.SourceRow | None) -> bool:
    """Whether this engine follows a user's own rows, even before the first one came."""
    settings = data.settings()
    return (
        bool(settings.source_url) or not settings.sample_enabled or bool(source and source.is_own)
    )


def _workload(key: str) -> str:
    return str(
        st.selectbox("Workload", list(WORKLOADS), key=key, format_func=WORKLOADS.__getitem__)
    )


def _seed(own: bool) -> None:
    st.markdown(
        "Write the sample's energy tables and a history of requests with modelled load times. It "
        "becomes the source **seeded**, which **Recorded columns** below shows and exports; the "
        "live pages go on showing the followed source. Running it again adds nothing."
    )
    count = st.number_input("Requests", 1_000, 1_000_000, 20_000, 1_000, key="seed-n")
    workload = _workload("seed-workload")
    sure = not own or st.checkbox(
        "Yes, write synthetic rows. They go to the source seeded, never among my own.",
        key="seed-sure",
    )
    params = {"rows": int(count), "workload": workload}
    pressed: Any = {"on_click": _launch, "args": (SEED_SLOT, "seed", params)}
    operating.button("Write it", type="primary", key="seed", disabled=not sure, **pressed)


def _simulate(own: bool) -> None:
    engine = client.shown_engine()
    port = engine.facts.get("origin_port") if engine else None
    st.markdown("Send real HTTP requests: GET and HEAD only, and to this machine only.")
    sample = data.settings().sample_address or f"http://127.0.0.1:{port or 8001}"
    default = "" if own else sample
    url = st.text_input(
        "API",
        default,
        key="simulate-url",
        placeholder="http://127.0.0.1:8080",
        help="Its base address",
    )
    count = st.number_input("Requests", 10, 100_000, 1_000, 10, key="simulate-n")
    rate = st.number_input("Requests per second", 1, 1_000, 50, key="simulate-rate")
    workload = _workload("simulate-workload")
    sure = not own or st.checkbox(
        "Yes, send synthetic requests. Whatever records this API's requests records them as well.",
        key="simulate-sure",
    )
    params = {"api_url": url, "n": int(count), "rate": float(rate), "workload": workload}
    pressed: Any = {"on_click": _launch, "args": (SIMULATE_SLOT, "simulate", params)}
    able = bool(sure and url)
    operating.button("Send them", type="primary", key="simulate", disabled=not able, **pressed)


def _launch(slot: str, kind: str, params: dict[str, object]) -> None:
    """Start the job; its form closes, so that it does not hide the job's progress."""
    if jobs.start(kind, params):
        st.session_state[slot] = False


def progress() -> None:
    """How the newest seed and simulate jobs stand."""
    if not data.jobs(tuple(KINDS)).empty:
        jobs.progress(KINDS)
