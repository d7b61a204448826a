"""Trainer: can a policy learn to keep what matters on my requests?"""

from __future__ import annotations

import streamlit as st

from dashboard.parts import (
    adding_data,
    jobs,
    shell,
    standstill,
    trace_choice,
    trainer_form,
    trainer_runs,
)

KINDS = [*adding_data.KINDS, "train"]


def page_live(run: str) -> None:
    """How the jobs stand, and the curves of the training that is watched while it runs."""
    shell.follow(jobs.alive(KINDS))
    jobs.lately(KINDS)
    if run:
        trainer_runs.course(run)


standstill.no_engine()
chosen = trace_choice.chooser()
if chosen is not None:
    trainer_form.form(chosen)
watched = trainer_runs.choose()
if watched is not None and trainer_runs.is_alive(watched):
    shell.live(page_live, str(watched["id"]))
else:
    shell.live(page_live, "")
    if watched is not None:
        trainer_runs.result(watched)
        trainer_runs.course(str(watched["id"]))
    elif chosen is not None:
        st.caption("No training yet: **Start training** above starts the first one.")
