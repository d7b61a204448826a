"""Queue: do predictions arrive in time, and does any get overwritten?"""

from __future__ import annotations

import time
from functools import partial

import pandas as pd
import streamlit as st

from dashboard import data
from dashboard.charts import delays, series
from dashboard.charts.palette import colours
from dashboard.charts.panel import Panel
from dashboard.parts import exporting, queue_tables, shell, standstill
from dashboard.parts.drawing import card, chart, timeline
from dashboard.parts.headline import STALE_S
from dashboard.parts.states import empty

WAITING = "No second of the queue's life in this window. **Start all** on the Overview starts it."
FLOW = {"accepted": "in", "handed_out": "out", "overwritten": "overwritten"}


def figures(frame: pd.DataFrame) -> None:
    """Headline figures of the window."""
    numbers = frame.astype("float64", errors="ignore")
    seconds = float(numbers["at"].iloc[-1] - numbers["at"].iloc[0]) + 1 if len(numbers) else 1.0
    with st.grid(6, min_column_width=150):
        working = len(numbers) and time.time() - float(numbers["at"].iloc[-1]) <= STALE_S
        top = float(numbers["depth_max"].tail(10).max()) if working else None
        card("Queue depth", top, "/ 100", numbers["depth_max"], digits=0, explains=_DEPTH)
        for label, column, what in (("In", "accepted", _IN), ("Out", "handed_out", _OUT)):
            total = numbers[column].sum() / seconds if len(numbers) else None
            card(label, total, "/s", numbers[column], digits=2, explains=what)
        lost = numbers["overwritten"].sum() if len(numbers) else None
        card("Overwritten", lost, "", numbers["overwritten"], digits=0, explains=_OVERWRITTEN)
        lag = numbers["depth_last"]
        behind = float(lag.iloc[-1]) if working else None
        card("Consumer lag", behind, "", lag, digits=0, explains=_LAG)
        slow = numbers["dequeue_p99_ms"].dropna()
        worst = float(slow.max()) if len(slow) else None
        card("Worst dequeue delay", worst, "ms", slow, digits=2, explains=_WORST)


_DEPTH = "Queued or being worked on: highest of the last 10 s; the line shows each second's highest"
_IN = "Predictions accepted per second, mean of this window"
_OUT = "Predictions handed to the agent per second, mean of this window"
_OVERWRITTEN = "Predictions lost in this window because 100 newer ones came before they were taken"
_LAG = "Queued or being worked on at the end of the last second: what the agent has still to do"
_WORST = "Highest p99 of a second in this window: from accepted to handed out"


def charts(frame: pd.DataFrame) -> None:
    """Depth, rates and delays over the window."""
    theme, events = shell.theme(), data.events(shell.window_s())
    events = events[events["service"].isin(["engine", "queue", "agent", "forecaster"])]
    left, right = shell.pair()
    with left:
        st.markdown("**Depth** · highest of each second, of 100 places")
        look = Panel(
            "Depth (predictions)",
            colours(["depth"], theme),
            ",.0f",
            bars=True,
            theme=theme,
            legend=False,
        )
        full = series.regular(series.peaks(frame, "depth_max", shell.width_s()), 1, ["depth_max"])
        depth = series.columns(full, {"depth_max": "depth"})
        timeline("queue-depth", depth, look, waiting=WAITING, events=events, top=100.0)
        st.markdown("**Enqueue delay** · from the intended send to accepted, one mark a second")
        _delays("enqueue", frame)
    with right:
        st.markdown("**In and out** · per second, mean of 10 s, with what was overwritten")
        names = list(FLOW.values())
        look = Panel(
            "Predictions (1/s)", colours(names, theme), ",.2f", dashed=("out",), theme=theme
        )
        flow = series.rolled(frame, FLOW)
        timeline("queue-flow", flow, look, waiting=WAITING, events=events)
        st.markdown("**Dequeue delay** · from accepted to handed out, one mark a second")
        _delays("dequeue", frame)


def _delays(kind: str, frame: pd.DataFrame) -> None:
    worst = f"{kind}_p99_ms"
    span = shell.span()
    known = series.peaks(frame.dropna(subset=[worst]), worst, shell.width_s())
    known = known[(known["at"] >= span.start) & (known[worst] > 0)]
    if known.empty:
        empty("No delay was measured in this window.", height=delays.HEIGHT + 28)
        return
    says = f"{kind} delay: last p99 {known[worst].iloc[-1]:.3g} ms, worst {known[worst].max():.3g}."
    chart(delays.plot(known, kind, span, shell.theme()), f"queue-{kind}", says)


def page_live() -> None:
    """Everything that moves."""
    shell.follow()
    frame = data.queue(shell.window_s())
    figures(frame)
    charts(frame)
    left, right = shell.pair()
    with left:
        st.markdown("**Rates** · predictions per second, mean of the last …")
        queue_tables.averages(data.queue(300))
    with right:
        st.markdown("**Newest predictions** · waiting now, newest first, at most 10")
        queue_tables.newest()


standstill.notice()
shell.live(page_live)
exporting.downloads("queue", partial(data.queue, shell.window_s()))
