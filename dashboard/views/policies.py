"""Policies: what would a better cache save on my requests?"""

from __future__ import annotations

import streamlit as st

from dashboard.parts import (
    adding_data,
    compare_form,
    comparison,
    curve_reader,
    jobs,
    shell,
    standstill,
    trace_choice,
)

KINDS = [*adding_data.KINDS, *compare_form.KINDS]


def page_live() -> None:
    """How the jobs stand; what they found is drawn once, outside."""
    shell.follow(jobs.alive(KINDS))
    jobs.lately(KINDS)


standstill.no_engine()
chosen = trace_choice.chooser()
if chosen is None:
    shell.live(page_live)
else:
    compare_form.form(chosen)
    shell.live(page_live)
    comparison.results(chosen)
    st.space("small")
    curve_reader.results(chosen)
