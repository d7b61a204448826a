"""Seeding a history and sending traffic, as jobs."""

from __future__ import annotations

import streamlit as st

from dashboard import client, data
from dashboard.parts import jobs

KINDS = ["seed", "simulate"]
WORKLOADS = ["daily", "zipf", "bursts", "shift", "scan"]


def forms(source: data.SourceRow | None) -> None:
    """Two buttons with their parameters; synthetic rows beside an own source need a yes."""
    own = source is not None and source.is_own
    with st.container(horizontal=True, vertical_alignment="center"):
        with st.popover("Seed …", icon=":material/database_upload:"):
            _seed(own)
        with st.popover("Simulate …", icon=":material/send:"):
            _simulate()
        jobs.cancel_buttons(KINDS)


def _seed(own: bool) -> None:
    st.markdown("Write the energy tables and a history of requests. Running it again adds nothing.")
    count = st.number_input("Requests", 1_000, 1_000_000, 20_000, 1_000, key="seed-n")
    workload = st.selectbox("Workload", WORKLOADS, key="seed-workload")
    sure = not own or st.checkbox(
        "Yes, write synthetic rows; they go to the sample source, never among my own.",
        key="seed-sure",
    )
    if st.button("Seed", type="primary", key="seed", disabled=not sure):
        jobs.start("seed", {"rows": int(count), "workload": workload})


def _simulate() -> None:
    engine = client.engine()
    port = engine.facts.get("origin_port") if engine else None
    st.markdown("Send real HTTP requests, GET and HEAD only, to this machine only.")
    url = st.text_input(
        "API", f"http://127.0.0.1:{port or 8001}", key="simulate-url", help="Its base address"
    )
    count = st.number_input("Requests", 10, 100_000, 1_000, 10, key="simulate-n")
    rate = st.number_input("Requests per second", 1, 1_000, 50, key="simulate-rate")
    workload = st.selectbox("Workload", WORKLOADS, key="simulate-workload")
    if st.button("Simulate", type="primary", key="simulate"):
        params = {"api_url": url, "n": int(count), "rate": float(rate), "workload": workload}
        jobs.start("simulate", params)


def progress() -> None:
    """How the newest seed and simulate jobs stand."""
    jobs.progress(KINDS)
