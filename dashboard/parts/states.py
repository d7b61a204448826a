"""How a page looks when there is nothing to draw, or when something is wrong."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

import streamlit as st
from sqlalchemy.exc import SQLAlchemyError

from dashboard import client, data
from dashboard.parts import operating
from db.session import StoreUnavailable, explain
from engine.errors import EngineError, StoreError

_log = logging.getLogger("dashboard")


@contextmanager
def faults_shown() -> Iterator[None]:
    """Turn an unreachable or unready database and every EngineError into a box with a way out."""
    try:
        yield
    except StoreError as error:
        _store_fault(str(error))
    except (EngineError, StoreUnavailable) as error:
        st.error(str(error), title="This cannot be shown", icon=":material/error:")
    except SQLAlchemyError as error:
        _log.warning("reading the store failed: %s", explain(error, data.store().url))
        _store_fault(explain(error, data.store().url))


def _store_fault(sentence: str) -> None:
    if "table" in sentence and "lacks" in sentence:
        st.info(
            "The store is empty: the engine makes its tables at its first start. "
            "Use **Start the engine** on the Overview.",
            title="Nothing has run here yet",
            icon=":material/rocket_launch:",
        )
        return
    recording = (
        "What services record meanwhile is written later"
        if client.shown_engine() is not None
        else "No engine is running, so nothing is recorded"
    )
    st.error(
        f"{sentence} {recording}; this page tries again by itself.",
        title="The database cannot be read",
        icon=":material/database_off:",
    )


def engine_missing(
    means: str = "What you see, in grey, is what was recorded before.",
) -> None:
    """Say that no engine runs and what that `means` here; the button starts one."""
    with st.container(border=True, horizontal=True, vertical_alignment="center"):
        st.markdown(f":material/power_settings_new: **No engine is running.** {means}")
        if operating.button("Start the engine", type="primary", key="start-engine"):
            with st.spinner("Starting the engine …", show_time=True):
                outcome = client.start_engine()
            if outcome.done:
                st.rerun()
            st.error(outcome.sentence)


def empty(text: str, *, height: int = 240, icon: str = "hourglass_empty") -> None:
    """Fill a chart's place with the reason why it is empty and what fills it."""
    with st.container(
        border=True, height=height, horizontal_alignment="center", vertical_alignment="center"
    ):
        st.markdown(f":material/{icon}: {text}", text_alignment="center", width="stretch")


def no_source() -> None:
    """Say that no source has been registered yet."""
    if data.settings().source_url or not data.settings().sample_enabled:
        st.info(
            "No request of your own system has been read yet. **Start the engine** on the "
            "Overview; what your rows must look like stands there under **Use my own system**.",
            title="Waiting for the first requests of your own system",
            icon=":material/hourglass_empty:",
        )
        return
    st.info(
        "No requests have been recorded yet. **Start the engine** on the Overview: the sample "
        "fills every page within half a minute. To watch your own system instead, open "
        "**Use my own system** there.",
        title="Waiting for the first requests",
        icon=":material/hourglass_empty:",
    )
