"""Step by step: what a model decided at each request, and why; searched, plotted, downloaded."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pandas as pd
import streamlit as st

from dashboard import stored
from dashboard.charts import steps as plots
from dashboard.parts import exporting, job_choice, jobs, operating, shell
from dashboard.parts.drawing import chart
from dashboard.parts.states import empty


def shown(row: stored.Row) -> None:
    """The form that asks for steps, and the newest ones of this model."""
    number = int(row["id"])
    _form(number)
    rows = job_choice.found("steps", lambda params: str(params.get("model")) == str(number))
    if not rows:
        empty(
            "No steps of this model yet. Press **Explain** to start.", height=160, icon="footprint"
        )
        return
    told = job_choice.choose("steps", "Stretch", rows, _asked)
    frame = stored.steps(str(told.get("file", "")))
    if frame.empty:
        why = "no step has that text" if told.get("steps") == 0 else "its file is gone"
        empty(f"Nothing to show: {why}. Press **Explain** again.", height=160, icon="footprint")
        return
    _plots(frame)
    _table(number, frame)
    _members(told)


def _asked(params: Mapping[str, Any]) -> str:
    around = int(params.get("around", -1))
    at = f"around request {around:,}" if around >= 0 else "the first"
    find = f", with “{params['find']}”" if params.get("find") else ""
    return f"{params.get('count', 500):,} steps, {at}{find}"


def _form(number: int) -> None:
    with st.container(horizontal=True, vertical_alignment="bottom"):
        count = st.number_input(
            "Requests", 10, stored.MOST_STEPS, 500, 10, key="steps-count", width=140
        )
        around = st.number_input(
            "Around request",
            0,
            10**9,
            None,
            key="steps-around",
            width=170,
            placeholder="the first",
            help="Of the test part, the newest half; everything before warms the cache",
        )
        find = st.text_input(
            "Only with the text", key="steps-find", placeholder="in URL or evicted", width=220
        )
        size = st.text_input("Cache size", key="steps-size", placeholder="its own", width=130)
        params: dict[str, Any] = {"model": number, "count": int(count)}
        params |= {"around": int(around)} if around is not None else {}
        params |= {"find": find.strip()} if find.strip() else {}
        params |= {"size": size.strip()} if size.strip() else {}
        pressed: Any = {"on_click": jobs.start, "args": ("steps", params)}
        busy = bool(jobs.alive(["steps"]))
        operating.button("Explain", type="primary", key="steps", disabled=busy, **pressed)


def _plots(frame: pd.DataFrame) -> None:
    theme = shell.stored_theme()
    hits = float(frame["hit"].mean())
    st.markdown(f"**Hits and misses** · {len(frame):,} requests, {hits:.1%} hits")
    says = f"{hits:.1%} of {len(frame)} requests were hits."
    chart(plots.pattern(frame, theme), "steps-pattern", says)
    left, right = shell.pair()
    with left:
        st.markdown("**Rewards so far** · value of the hits, 1 on average of the training part")
        summed = frame.assign(summed=frame["reward"].astype("float64").cumsum())
        drawn = plots.line(summed, "summed", "Sum of rewards", "reward", theme)
        chart(drawn, "steps-rewards", f"In all {summed['summed'].iloc[-1]:.1f}.")
        st.markdown("**Scores** · what each was worth keeping; who scores lowest goes")
        if frame["score"].notna().any():
            chart(plots.scores(frame, theme), "steps-scores", "Scores of those compared.")
        else:
            empty("The networks decided nothing in this stretch.", height=plots.HEIGHT)
        st.markdown("**What happened** · shares of the requests")
        chart(plots.shares(frame, theme), "steps-shares", "Shares of hits and decisions.")
    with right:
        st.markdown("**Occupancy** · results held")
        drawn = plots.line(frame, "occupancy", "Results", "depth", theme)
        chart(drawn, "steps-occupancy", f"At the end {frame['occupancy'].iloc[-1]:,}.")
        st.markdown("**Keep or not** · share of keeping, mean of 25 decisions")
        kept = frame[frame["action"] != ""]
        if len(kept):
            rate = (kept["action"] == "keep").astype("float64").rolling(25, min_periods=1).mean()
            drawn = plots.line(kept.assign(rate=rate), "rate", "Share kept", "agent", theme, ".0%")
            chart(drawn, "steps-kept", f"Kept in {(kept['action'] == 'keep').mean():.0%}.")
        else:
            empty("The networks decided nothing in this stretch.", height=plots.HEIGHT)
        st.markdown("**Time of a step** · in Python, explanation included")
        median = float(frame["us"].median())
        chart(plots.times(frame, theme), "steps-times", f"Median {median:,.0f} microseconds.")


def searched(frame: pd.DataFrame, text: str) -> pd.DataFrame:
    """Steps whose URL, decision or evicted URLs contain the text."""
    wanted = text.strip().lower()
    if not wanted:
        return frame
    evicted = frame["evicted"].map(" ".join)
    joined = frame["key"] + " " + frame["decided"] + " " + evicted
    return frame[joined.str.lower().str.contains(wanted, regex=False)]


def _table(number: int, frame: pd.DataFrame) -> None:
    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.markdown("**Every step** · click one for what its decision was between")
        text = st.text_input("Search", key="steps-search", placeholder="URL or decision", width=260)
    found = searched(frame, text)
    if found.empty:
        st.caption("No step has that text.")
        return
    first = float(frame["time"].iloc[0])
    table = pd.DataFrame(
        {
            "number": found["number"],
            "access": found["hit"].map({True: "hit", False: "miss"}),
            "key": found["key"],
            "decided": found["decided"],
            "score": found["score"],
            "evicted": found["evicted"].map(", ".join),
            "held": found["held"],
            "occupancy": found["occupancy"],
            "scorer": found["scorer"].str.replace("_", " "),
            "group": found["group"],
            "cost": found["cost"],
            "time": found["time"] - first,
        }
    )
    chosen = st.dataframe(
        table,
        hide_index=True,
        key="steps-table",
        height=380,
        alt="What was decided at each request",
        placeholder="-",
        on_select="rerun",
        selection_mode="single-row",
        column_config={
            "number": st.column_config.NumberColumn("Request", format="localized", width=80),
            "time": st.column_config.NumberColumn("After (s)", format="%.1f", width=80),
            "access": st.column_config.TextColumn("Access", width=60),
            "key": st.column_config.TextColumn("URL", width=240),
            "group": st.column_config.TextColumn("Endpoint", width=140),
            "cost": st.column_config.NumberColumn("Miss costs (ms)", format="%.1f", width=100),
            "decided": st.column_config.TextColumn("Decided", width=260),
            "score": st.column_config.NumberColumn("Score", format="%.3f", width=70),
            "evicted": st.column_config.TextColumn("Evicted", width=200),
            "held": st.column_config.CheckboxColumn("Held now", width=70),
            "occupancy": st.column_config.NumberColumn("Results held", width=90),
            "scorer": st.column_config.TextColumn("Decided by", width=110),
        },
    )
    rows = chosen.selection.rows if chosen else []
    place = rows[0] if rows and rows[0] < len(found) else _first_decision(found)
    _why(found.iloc[place])
    exporting.downloads(f"steps-{number}", lambda: flat(frame), "these steps")


def _first_decision(found: pd.DataFrame) -> int:
    decided = (found["compared"] != "[]").to_numpy()
    return int(decided.argmax()) if decided.any() else 0


def flat(frame: pd.DataFrame) -> pd.DataFrame:
    """The steps as a file holds them: lists as text."""
    return frame.assign(evicted=frame["evicted"].map(", ".join))


def _why(step: pd.Series) -> None:
    compared = json.loads(step["compared"])
    st.markdown(f"**Request {int(step['number']):,}** · {step['decided']}")
    if not compared:
        st.caption(
            "No network decided here: it was held, there was room, or a classic was followed."
        )
        return
    st.dataframe(
        compared_table(compared),
        hide_index=True,
        key="steps-compared",
        alt="Those this decision was between, with their scores and features",
        column_config={
            "role": st.column_config.TextColumn("Is", width=110),
            "key": st.column_config.TextColumn("URL", width=260),
            "score": st.column_config.NumberColumn("Score", format="%.4f", width=80),
            "gone": st.column_config.CheckboxColumn("Evicted", width=70),
        },
    )


def compared_table(compared: list[dict[str, Any]]) -> pd.DataFrame:
    """Those a decision was between, the lowest score first, with what the features said."""
    rows = [
        {
            "role": "asks to stay" if one["newcomer"] else "resident",
            "key": one["key"],
            "score": one["score"],
            "gone": one["evicted"],
            **{name.replace("_", " "): round(value, 4) for name, value in one["features"].items()},
        }
        for one in compared
    ]
    return pd.DataFrame(rows).sort_values("score", kind="stable", ignore_index=True)


def _members(told: Mapping[str, Any]) -> None:
    members = told.get("members") or []
    with st.expander(f"In the cache at the end: {told.get('held', 0):,} results"):
        if len(members) < int(told.get("held", 0)):
            st.caption(f"{len(members)} of them:")
        st.dataframe(pd.DataFrame({"URL": members}), hide_index=True, key="steps-members",
                     height=240, alt="Results held at the end of the stretch")  # fmt: skip
