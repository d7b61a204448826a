"""Queue: do predictions arrive in time, and does any get overwritten?"""

from __future__ import annotations

from functools import partial

import pandas as pd
import streamlit as st

from dashboard import client, data
from dashboard.charts import series
from dashboard.charts.palette import colours
from dashboard.charts.panel import Panel
from dashboard.parts import exporting, queue_tables, shell
from dashboard.parts.drawing import card, timeline
from dashboard.parts.states import engine_missing

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
        "Delay (ms)", colours(PERCENTILES, theme), ",.3f", "~g", dashed=("p95", "p99"), theme=theme
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


def page_live() -> None:
    """Everything that moves."""
    frame = data.queue(shell.window_s())
    figures(frame)
    charts(frame)
    left, right = st.columns([2, 3])
    with left:
        st.markdown("**Rates** · mean over")
        queue_tables.averages(frame)
    with right:
        st.markdown("**Newest records** · newest first, at most 10")
        queue_tables.newest()


if client.engine() is None:
    engine_missing()
shell.live(page_live)
exporting.downloads("queue", partial(data.queue, shell.window_s()))
