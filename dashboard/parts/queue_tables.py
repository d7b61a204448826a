"""Tables of the Queue page: mean rates, and the newest predictions."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from dashboard import client
from dashboard.parts.states import empty

HEIGHT = 176


def averages(frame: pd.DataFrame) -> None:
    """Rates over the last 5, 30 and 300 seconds, as a load average; fewer while it is younger."""
    if frame.empty:
        empty("No second of the queue's life yet.", height=HEIGHT)
        return
    at, newest = frame["at"].astype("float64"), float(frame["at"].max())
    age = newest - float(at.min()) + 1
    rows = []
    for label, column in (
        ("In", "accepted"),
        ("Out", "handed_out"),
        ("Overwritten", "overwritten"),
    ):
        values = frame[column].astype("float64")
        rows.append(
            {"what": label}
            | {
                f"{span} s": float(values[at > newest - span].sum()) / min(span, age)
                for span in (5, 30, 300)
            }
        )
    st.dataframe(
        pd.DataFrame(rows),
        hide_index=True,
        key="queue-averages",
        alt="Mean rates of the queue",
        column_config={
            "what": "Predictions",
            **{
                f"{span} s": st.column_config.NumberColumn(f"{span} s (1/s)", format="%.2f")
                for span in (5, 30, 300)
            },
        },
    )


def newest() -> None:
    """A look at the newest predictions without taking them."""
    outcome = client.queue()
    if not outcome.done:
        empty(outcome.sentence, height=HEIGHT, icon="power_off")
        return
    if error := outcome.value["clock_error_ms"]:
        st.caption(f"Enqueue delays span two clocks and are right to ± {error:.2g} ms.")
    if not outcome.value["newest"]:
        empty("The queue is empty: every prediction has been taken.", height=HEIGHT, icon="inbox")
    else:
        st.dataframe(
            _readable(outcome.value["newest"]),
            hide_index=True,
            key="queue-peek",
            height=HEIGHT,
            alt="Newest predictions of the queue",
        )


def _readable(records: list[dict[str, object]]) -> pd.DataFrame:
    frame = pd.DataFrame(records)
    return pd.DataFrame(
        {
            "Prediction": frame["id"],
            "Waiting (ms)": frame["age_ms"].round(1),
            "Taken by": frame["leased_by"].map(lambda name: name or "nobody yet"),
            "Size (bytes)": frame["size_bytes"],
        }
    )
