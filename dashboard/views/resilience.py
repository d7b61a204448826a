"""Resilience: what happens when something breaks?"""

from __future__ import annotations

from typing import Any

import pandas as pd
import streamlit as st

from dashboard import stored
from dashboard.parts import jobs, resilience_form, resilience_run, shell, standstill
from dashboard.parts import resilience_reads as reads
from dashboard.parts.job_choice import when
from dashboard.parts.states import empty, faults_shown

SHOWN = 10
"""Rows of the table before it scrolls."""


def page_live() -> None:
    """How the job stands and what happens in the run that is going on."""
    runs = reads.runs()
    shell.follow((jobs.alive(reads.KINDS), len(runs), sum(r["state"] == "running" for r in runs)))
    jobs.lately(reads.KINDS, 1)
    resilience_run.running()


def results() -> None:
    """The kept runs; one chosen is told whole, two are compared."""
    over = [row for row in reads.runs() if row["state"] != "running"]
    if not over:
        empty(
            "No test has been run yet. **Run this test** starts one: it breaks a private copy of "
            "the pipeline and judges from its history whether anything was lost, doubled or late.",
            icon="bolt",
            height=120,
        )
        return
    st.caption("Choose one run to see its evidence, two to compare them.")
    chosen = _table(over) or [0]
    if len(chosen) > 1:
        resilience_run.compared(str(over[chosen[0]]["id"]), str(over[chosen[1]]["id"]))
        return
    found = reads.run(str(over[chosen[0]]["id"]))
    if found.done:
        resilience_run.details(found.value)
    else:
        st.error(found.sentence, icon=":material/error:")


def _table(runs: list[stored.Row]) -> list[int]:
    frame = pd.DataFrame(
        {
            "Test": [reads.title(str(row["scenario"])) for row in runs],
            "Verdict": [
                reads.MARKS.get(str(row["verdict"]), "") if row["state"] == "done" else row["state"]
                for row in runs
            ],
            "Form": ["quick" if row["quick"] else "full" for row in runs],
            "Harmed": [row["scope"] for row in runs],
            "Queue": [row["backend"] for row in runs],
            "Began": [when({"created_at": row["began_at"]}) for row in runs],
            "Seconds": [row["seconds"] for row in runs],
            "Delivered": [row["figures"].get("delivered") for row in runs],
            "Overwritten": [row["figures"].get("overwritten") for row in runs],
            "Dequeue p95 (ms)": [row["figures"].get("dequeue_p95_ms") for row in runs],
        }
    )
    selected: Any = st.dataframe(
        frame,
        hide_index=True,
        placeholder="-",
        height="content" if len(frame) <= SHOWN else 390,
        key="resilience-runs",
        alt="Resilience runs, newest first",
        on_select="rerun",
        selection_mode="multi-row",
        column_config={
            "Seconds": st.column_config.NumberColumn(format="%.1f"),
            "Dequeue p95 (ms)": st.column_config.NumberColumn(format="%.2f"),
        },
    )
    return [place for place in selected.selection.rows if place < len(runs)][:2]


standstill.no_engine()
with faults_shown():
    resilience_form.form()
shell.live(page_live)
with faults_shown():
    results()
