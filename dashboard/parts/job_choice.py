"""Choosing among what jobs of one kind have found."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

import streamlit as st

from dashboard import data, stored
from dashboard.parts import shell

ENDED_WELL = ("done",)


def found(kind: str, matches: Callable[[Mapping[str, Any]], bool]) -> list[stored.Row]:
    """The newest jobs of a kind that ended well and whose parameters match, newest first."""
    rows = data.jobs((kind,)).to_dict("records")
    return [
        {str(name): value for name, value in row.items()}
        for row in rows
        if row["state"] in ENDED_WELL and matches(row["params"] or {})
    ]


def choose(
    kind: str, label: str, rows: list[stored.Row], says: Callable[[Mapping[str, Any]], str]
) -> stored.Row:
    """What one of several jobs found; with one alone nothing is asked."""
    by_id = {str(row["id"]): row for row in rows}
    run = str(rows[0]["id"])
    if len(rows) > 1:
        run = str(
            st.selectbox(
                label,
                list(by_id),
                key=f"{kind}-run-{run}",  # a new one is shown at once
                width=420,
                format_func=lambda one: f"{when(by_id[one])} · {says(by_id[one]['params'] or {})}",
            )
        )
    return stored.job_result(run, str(by_id[run]["state"]))


def when(row: Mapping[str, Any]) -> str:
    """When a job was asked for, in the viewer's time."""
    return datetime.fromtimestamp(float(row["created_at"]), shell.zone()).strftime("%d %b %H:%M")
