"""Jobs on a page: start one, see its progress, cancel it; all of it survives a reload."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
import streamlit as st

from dashboard import client, data
from dashboard.parts.services import ago, cell
from engine import actions
from engine.records import JobState

ALIVE = (JobState.QUEUED.value, JobState.RUNNING.value)
TITLES = {"seed": "Writing a history", "simulate": "Sending requests", "retrain": "Training"}
COLOURS = {
    "queued": "blue",
    "running": "blue",
    "done": "green",
    "failed": "red",
    "cancelled": "gray",
    "interrupted": "orange",
}


def start(kind: str, params: Mapping[str, Any]) -> bool:
    """Start a job and say so, or why not; whether it started."""
    outcome = client.ask(actions.start_job, kind, params, who=client.who())
    if outcome.done:
        data.jobs.clear()
        st.toast(f"{title(kind)} has started", icon=":material/rocket_launch:")
    else:
        st.toast(outcome.sentence, icon=":material/error:", duration="infinite")
    return outcome.done


def title(kind: str) -> str:
    """A kind of job as people call it."""
    return TITLES.get(kind, kind.capitalize())


def note(row: Mapping[str, Any]) -> str:
    """What came of a job, in words: its result's own note where it ended well."""
    message, result = str(row["message"]), row.get("result")
    if isinstance(result, str):
        result = json.loads(result)
    if str(row["state"]) != "done" or not isinstance(result, Mapping):
        return message
    said = next((str(result[key]) for key in ("note", "summary", "told") if result.get(key)), "")
    if said:
        return said
    words = {"seed": _seeded, "simulate": _sent}.get(str(row["kind"]))
    return words(result) if words and message == "done" else message


def _seeded(result: Mapping[str, Any]) -> str:
    added, present = int(result.get("added") or 0), int(result.get("present") or 0)
    energy = int(result.get("energy_rows") or 0)
    tables = f"{energy:,} rows in the energy tables" if energy else "the energy tables were there"
    if not added:
        return f"nothing to add: all {present:,} requests were there already; {tables}"
    return f"{added:,} requests added to the source {result.get('source', 'seeded')}; {tables}"


def _sent(result: Mapping[str, Any]) -> str:
    sent, errors = int(result.get("requests") or 0), dict(result.get("errors") or {})
    wanted = sent + int(errors.get("not sent in time") or 0)
    head = f"{sent:,} of {wanted:,} requests sent" if wanted > sent else f"{sent:,} requests sent"
    return ", ".join([head, *(f"{int(count):,} {kind}" for kind, count in errors.items())])


def alive(kinds: Sequence[str]) -> tuple[str, ...]:
    """The ids of these kinds' jobs that wait or run."""
    frame = data.jobs(tuple(kinds))
    return tuple(frame[frame["state"].isin(ALIVE)]["id"].astype(str))


def progress(kinds: Sequence[str], none: str = "No job has run yet.") -> None:
    """The newest jobs of these kinds, with progress; belongs into a live part."""
    frame = data.jobs(tuple(kinds))
    if frame.empty:
        st.caption(none)
        return
    for row in frame.head(3).to_dict("records"):
        _line({str(name): value for name, value in row.items()})


def _line(row: Mapping[str, Any]) -> None:
    state = str(row["state"])
    badge = f":{COLOURS.get(state, 'gray')}-badge[{state}]"
    age = ago(time.time() - float(row["created_at"]))
    if state in ALIVE:
        share = min(max(float(row["progress"]), 0.0), 1.0)
        doing = cell(str(row["message"]) or "waiting to start")
        st.progress(share, f"{title(row['kind'])} · {share:.0%}{_left(row, share)} · {doing}")
    else:
        st.markdown(f"{badge} **{title(row['kind'])}**, {age} ago · {cell(note(row))}")


def _left(row: Mapping[str, Any], share: float) -> str:
    begun = row["started_at"]
    if begun is None or pd.isna(begun) or share <= 0.02:
        return ""
    return f" · about {ago((time.time() - float(begun)) * (1 - share) / share)} left"


def cancel_buttons(kinds: Sequence[str]) -> None:
    """One button for each job that runs; stands outside the live part."""
    frame = data.jobs(tuple(kinds))
    alive = frame[frame["state"].isin(ALIVE)]
    for row in alive.to_dict("records"):
        if st.button(
            f"Cancel {title(row['kind']).lower()}",
            key=f"cancel-{row['id']}",
            icon=":material/cancel:",
        ):
            outcome = client.ask(actions.cancel_job, str(row["id"]), who=client.who())
            data.jobs.clear()
            if outcome.done:
                st.toast(f"{title(row['kind'])} was asked to end", icon=":material/check:")
            else:
                st.toast(outcome.sentence, icon=":material/error:", duration="long")
