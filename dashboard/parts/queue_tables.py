"""Tables of the Queue page: mean rates, and the newest records."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from dashboard import client
from dashboard.parts.states import empty


def averages(frame: pd.DataFrame) -> None:
    """Rates over the last 5, 30 and 300 seconds, as a load average."""
    rows = {}
    for label, column in (("in", "accepted"), ("out", "handed_out"), ("overwritten",) * 2):
        rows[label] = [
            float(frame[column].tail(seconds).astype("float64").sum()) / seconds
            for seconds in (5, 30, 300)
        ]
    table = pd.DataFrame(rows, index=["5 s", "30 s", "300 s"]).T.reset_index(names="Records per s")
    st.dataframe(table, hide_index=True, key="queue-averages", alt="Mean rates of the queue")


def newest() -> None:
    """A look at the newest records without taking them."""
    outcome = client.peek()
    if not outcome.done:
        empty(outcome.sentence, height=160, icon="power_off")
    elif not outcome.value:
        empty("The queue is empty: every prediction has been taken.", height=160, icon="inbox")
    else:
        st.dataframe(
            pd.DataFrame(outcome.value),
            hide_index=True,
            key="queue-peek",
            height=240,
            alt="Newest records of the prediction queue",
        )
