"""Queue: do predictions arrive in time, and does any get overwritten?"""

from __future__ import annotations

import pandas as pd
import streamlit as st

from dashboard import client, data
from dashboard.charts import series
from dashboard.charts.palette import colours
from dashboard.charts.panel import Panel
from dashboard.parts import exporting, shell
from dashboard.parts.drawing import card, timeline
from dashboard.parts.states import empty, engine_missing

PERCENTILES = ["p50", "p95", "p99"]
WAITING = "No second of the queue's life in this window. **Start all** on the Overview starts it."


def figures(frame: pd.DataFrame) -> None:
    """Headline figures of the window."""
    numbers = frame.astype("float64", errors="ignore")
    seconds = max(len(frame), 1)
    with st.grid(6, min_column_width=150):
        last = numbers["depth_last"].iloc[-1] if len(numbers) else None
        card("Depth", last, "/ 100", numbers["depth_max"], digits=0, explains="Queued and leased")
        for label, column in (("In", "accepted"), ("Out", "handed_out")):
            total = numbers[column].sum() / seconds if len(numbers) else None
            card(label, total, "/s", numbers[column], digits=2, explains="Mean of the window")
        lost = numbers["overwritten"].sum() if len(numbers) else None
        card("Overwritten", lost, "", numbers["overwritten"], digits=0, explains="In this window")
        lag = numbers["accepted"].cumsum() - numbers["acknowledged"].cumsum()
        behind = float(lag.iloc[-1] - lag.min()) if len(lag) else None
        card(
            "Consumer lag",
            behind,
            "records",
            lag - lag.min() if len(lag) else lag,
            digits=0,
            explains="Accepted but not yet acknowledged",
        )
        slow = numbers["dequeue_p99_ms"].dropna()
        worst = float(slow.max()) if len(slow) else None
        card("Dequeue delay p99", worst, "ms", slow, digits=2, explains="Worst second shown")


def charts(frame: pd.DataFrame) -> None:
    """Depth, rates and delays over the window."""
    theme, events = shell.theme(), data.events(shell.window_s())
    events = events[events["service"].isin(["queue", "agent", "forecaster"])]
    left, right = st.columns(2)
    with left:
        st.markdown("**Depth** · highest of each second, of 100 places")
        panel = Panel(
            "Depth (records)",
            colours(["depth"], theme),
            ",.0f",
            step=True,
            theme=theme,
            legend=False,
        )
        depth = series.columns(frame, {"depth_max": "depth"})
        timeline("queue-depth", depth, panel, waiting=WAITING, events=events, top=100.0)
        st.markdown("**Enqueue delay** · intended send to accepted")
        _delays("enqueue", frame, events)
    with right:
        st.markdown("**In and out** · records per second, overwritten beside them")
        names = ["in", "out", "overwritten"]
        panel = Panel("Records (1/s)", colours(names, theme), ",.2f", dashed=("out",), theme=theme)
        flow = series.columns(
            frame, {"accepted": "in", "handed_out": "out", "overwritten": "overwritten"}
        )
        timeline("queue-flow", flow, panel, waiting=WAITING, events=events)
        st.markdown("**Dequeue delay** · accepted to handed out")
        _delays("dequeue", frame, events)


def _delays(kind: str, frame: pd.DataFrame, events: pd.DataFrame) -> None:
    theme = shell.theme()
    panel = Panel(
        "Delay (ms)", colours(PERCENTILES, theme), ",.3f", dashed=("p95", "p99"), theme=theme
    )
    known = frame.dropna(subset=[f"{kind}_p50_ms"])
    long = series.columns(known, {f"{kind}_{p}_ms": p for p in PERCENTILES})
    timeline(
        f"queue-{kind}",
        long,
        panel,
        waiting="No delay was measured in this window.",
        events=events,
        floor=0.1,
    )


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


def page_live() -> None:
    """Everything that moves."""
    frame = data.queue(shell.window_s())
    figures(frame)
    charts(frame)
    left, right = st.columns([2, 3])
    with left:
        st.markdown("**Rates** · mean over")
        averages(frame)
    with right:
        st.markdown("**Newest records** · newest first, at most 10")
        newest()


if client.engine() is None:
    engine_missing()
shell.live(page_live)
WINDOW = shell.window_s()
exporting.downloads("queue", lambda: data.queue(WINDOW))
