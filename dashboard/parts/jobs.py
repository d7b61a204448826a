"""Jobs on a page: start one, see its progress, cancel it; all of it survives a reload."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import streamlit as st

from dashboard import client, data, stored
from dashboard.job_titles import title
from dashboard.parts import operating
from dashboard.parts.services import ago, cell
from engine import actions
from engine.job_words import note
from engine.records import JobState

ALIVE = (JobState.QUEUED.value, JobState.RUNNING.value)
LATELY_S = {"done": 60.0}
OTHERWISE_S = 600.0
"""How long a page of work goes on telling what came of a job, by its state."""

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


def lately(kinds: Sequence[str], most: int = 5) -> None:
    """The jobs of these kinds that wait, run, or ended a moment ago; for a live part."""
    frame = data.jobs(tuple(kinds))
    told_s = frame["state"].map(LATELY_S).fillna(OTHERWISE_S)
    ended = pd.to_numeric(frame["finished_at"]).fillna(0.0) > time.time() - told_s
    for row in frame[frame["state"].isin(ALIVE) | ended].head(most).to_dict("records"):
        _line({str(name): value for name, value in row.items()})


def _line(row: Mapping[str, Any]) -> None:
    state = str(row["state"])
    badge = f":{COLOURS.get(state, 'gray')}-badge[{state}]"
    age = ago(time.time() - float(row["created_at"]))
    if state in ALIVE:
        share = min(max(float(row["progress"]), 0.0), 1.0)
        doing = cell(str(row["message"]) or "waiting to start")
        st.progress(share, f"{cell(_titled(row))} · {share:.0%}{_left(row, share)} · {doing}")
    else:
        found = stored.job_result(str(row["id"]), state)
        told = cell(note({**row, "result": found}))
        st.markdown(f"{badge} **{_titled(row)}**, {age} ago · {told}")


def subject(row: Mapping[str, Any]) -> str:
    """What a job is about: its trace, file, source or model; empty where it names none."""
    params = row["params"] if isinstance(row["params"], Mapping) else {}
    if "model" in params:
        return f"model {params['model']}"
    named = next((str(params[key]) for key in _SUBJECTS if params.get(key)), "")
    seeds = list(params.get("seeds") or [])
    return Path(named).name + (f", seed {seeds[0]}" if len(seeds) == 1 and named else "")


_SUBJECTS = ("trace", "file", "source", "table", "name")


def _titled(row: Mapping[str, Any]) -> str:
    about = subject(row)
    return f"{title(row['kind'])} ({about})" if about else title(row["kind"])


def _left(row: Mapping[str, Any], share: float) -> str:
    begun = row["started_at"]
    if begun is None or pd.isna(begun) or share <= 0.02:
        return ""
    return f" · about {ago((time.time() - float(begun)) * (1 - share) / share)} left"


def _lower(row: Mapping[Any, Any]) -> str:
    told = _titled(row)
    return told[:1].lower() + told[1:]


def cancel_buttons(kinds: Sequence[str]) -> None:
    """One button for each job that runs; stands outside the live part."""
    frame = data.jobs(tuple(kinds))
    alive = frame[frame["state"].isin(ALIVE)]
    for row in alive.to_dict("records"):
        if operating.button(
            f"Cancel {_lower(row) if len(alive) > 1 else title(row['kind']).lower()}",
            key=f"cancel-{row['id']}",
            icon=":material/cancel:",
        ):
            outcome = client.ask(actions.cancel_job, str(row["id"]), who=client.who())
            data.jobs.clear()
            if outcome.done:
                st.toast(f"{title(row['kind'])} was asked to end", icon=":material/check:")
            else:
                st.toast(outcome.sentence, icon=":material/error:", duration="long")
