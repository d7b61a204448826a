"""A word that outlives a dialog: its callback may draw nothing, the page that comes next does."""

from __future__ import annotations

import streamlit as st

from dashboard.client import Outcome

_WORD = "telling-word"
"""Slot of the text, its icon and how long it stands."""


def keep(outcome: Outcome, done: str) -> None:
    """Say with the next drawing of a page what became of an action."""
    if outcome.done:
        st.session_state[_WORD] = (done, ":material/check:", "short")
    else:
        st.session_state[_WORD] = (outcome.sentence, ":material/error:", "long")


def say() -> None:
    """Say what was kept, once."""
    word = st.session_state.pop(_WORD, None)
    if word is not None:
        text, icon, duration = word
        st.toast(text, icon=icon, duration=duration)
