"""One run: what is going on, its curves, what each checker saw, its report; and two compared."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd
import streamlit as st

from dashboard import client, data, stored
from dashboard.charts import resilience as charts
from dashboard.parts import jobs, shell
from dashboard.parts import resilience_reads as reads
from dashboard.parts.drawing import chart
from dashboard.parts.services import cell
from dashboard.parts.states import empty
from engine.actions import resilience as act

NEWEST_MARKS = 12


def running() -> None:
    """The run that is going on, as it goes; belongs into a live part."""
    live = next((row for row in reads.runs() if row["state"] == "running"), None)
    if live is None or not jobs.alive(reads.KINDS):
        return
    found = reads.run(str(live["id"]))
    if not found.done:
        return
    row = found.value
    st.subheader(f"Now: {reads.title(str(row['scenario']))}", anchor=False)
    _cards(row)
    curves(row, "live")
    told = [
        f"{at:.1f} s · {kind} · {cell(str(words))}"
        for at, kind, words in row["timeline"]["marks"][-NEWEST_MARKS:]
    ]
    st.caption("  \n".join(reversed(told)) or "Nothing was injected yet.")


def _cards(row: Mapping[str, Any]) -> None:
    timeline, figures = row["timeline"], row["figures"]

    def last(name: str) -> float | None:
        return next((value for value in reversed(timeline[name]) if value is not None), None)

    cards = (
        ("Offered", figures.get("offered"), ""),
        ("Delivered", figures.get("delivered"), ""),
        ("Overwritten", figures.get("overwritten"), ""),
        ("Depth", last("depth"), "of 100"),
        ("Dequeue delay, p95", last("dequeue_p95_ms"), "ms"),
    )
    with st.container(horizontal=True):
        for label, value, unit in cards:
            text = "-" if value is None else f"{value:,.4g} {unit}".rstrip()
            st.metric(label, text, border=True, width="stretch")


def curves(row: Mapping[str, Any], key: str) -> None:
    """Load, depth and delays over the seconds of the run."""
    if not row["timeline"]["at"]:
        empty("The private pipeline is starting; its first figures come in a moment.", height=120)
        return
    for number, title in enumerate(charts.PANELS):
        drawn = charts.plot(row["timeline"], title, shell.stored_theme())
        chart(drawn, f"resilience-{key}-{number}", charts.says(row["timeline"], title))


def details(row: stored.Row) -> None:
    """Verdict with evidence and thresholds, curves, what happened when, the report."""
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(f"#### {reads.title(str(row['scenario']))} {reads.standing(row)}")
        st.download_button(
            "Report (HTML)",
            lambda: act.report(str(row["id"]), data.settings()),
            file_name=f"{row['id']}.html",
            mime="text/html",
            icon=":material/download:",
            key=f"resilience-report-{row['id']}",
        )
    if row["note"]:
        st.warning(cell(str(row["note"])), icon=":material/info:")
    params = ", ".join(f"{name} = {value:g}" for name, value in row["params"].items())
    harmed = "the live engine" if row["scope"] == "live" else "a private copy"
    told = f"{'Quick' if row['quick'] else 'Full'} form on {harmed}, {row['backend']} queue"
    st.caption(f"{told}, {row['seconds']:.1f} s; {params}")
    _findings(row)
    curves(row, str(row["id"]))
    marks = pd.DataFrame(row["timeline"]["marks"], columns=["Second", "What", "Words"])
    with st.expander(f"What happened when ({len(marks)})", icon=":material/timeline:"):
        st.dataframe(
            marks,
            hide_index=True,
            key=f"resilience-marks-{row['id']}",
            alt="Phases, injections, healings and states by second",
        )


def _findings(row: stored.Row) -> None:
    if not row["findings"]:
        empty("Nothing has been judged: the run did not come to its end.", height=120)
        return
    frame = pd.DataFrame(row["findings"])[["checker", "verdict", "evidence", "threshold"]]
    frame["verdict"] = frame["verdict"].map(lambda verdict: reads.MARKS.get(verdict, verdict))
    st.dataframe(
        frame,
        hide_index=True,
        height="content",
        key=f"resilience-findings-{row['id']}",
        alt="What each checker saw, and what was asked for",
        column_config={
            "checker": st.column_config.TextColumn("Checked"),
            "verdict": st.column_config.TextColumn("Verdict", width="small"),
            "evidence": st.column_config.TextColumn("Seen", width="large"),
            "threshold": st.column_config.TextColumn("Asked for", width="medium"),
        },
    )


def compared(first: str, second: str) -> None:
    """What differs between two runs."""
    found: client.Outcome = reads.differences(first, second)
    if not found.done:
        st.error(found.sentence, icon=":material/error:")
        return
    frame = pd.DataFrame(found.value, columns=["what", "first", "second"]).astype(str)
    frame.columns = pd.Index(["What differs", first, second])
    st.dataframe(
        frame,
        hide_index=True,
        key=f"resilience-compared-{first}-{second}",
        alt=f"What differs between {first} and {second}",
    )
