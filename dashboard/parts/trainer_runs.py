"""Trainings: choose one, watch it learn, and what came of it."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

import pandas as pd
import streamlit as st

from dashboard import data, stored
from dashboard.charts import trainings
from dashboard.parts import evaluation_words, job_choice, jobs, shell
from dashboard.parts.drawing import card, chart
from dashboard.parts.services import ago, cell
from dashboard.parts.states import empty
from engine.job_words import note

WATCHED = "train-watch"
UNDER_WAY = "under way"
"""Said of what waits and of what runs: the choice is drawn once, the live part tells which."""


def choose() -> stored.Row | None:
    """The training that a person watches: the newest unless another is chosen."""
    rows = [
        {str(name): value for name, value in row.items()}
        for row in data.jobs(("train",)).to_dict("records")
    ]
    if not rows:
        return None
    by_id = {str(row["id"]): row for row in rows}
    if st.session_state.get(WATCHED) not in by_id:
        st.session_state[WATCHED] = rows[0]["id"]
    with st.container(horizontal=True, vertical_alignment="bottom"):
        run = st.selectbox(
            "Training",
            list(by_id),
            key=WATCHED,
            width=520,
            format_func=lambda one: _says(by_id[one]),
        )
        jobs.cancel_buttons(["train"])
    return by_id[str(run)]


def _says(row: Mapping[str, Any]) -> str:
    params = row["params"] or {}
    algorithm = str(params.get("algorithm", "default"))
    titles = {str(one["name"]): str(one["title"]) for one in stored.algorithms()}
    size = params.get("cache_size", "1%")
    state = UNDER_WAY if is_alive(row) else str(row["state"])
    told = titles.get(algorithm, algorithm).removesuffix(" under a guard")
    return f"{job_choice.when(row)} · {told} on {jobs.subject(row)} · size {size} · {state}"


def is_alive(row: Mapping[Any, Any]) -> bool:
    """Whether a training waits or runs."""
    return str(row["state"]) in jobs.ALIVE


def course(run: str) -> None:
    """Figures and curves of one training; into the live part while it runs."""
    rows = data.jobs(("train",))
    row = next(iter(rows[rows["id"] == run].to_dict("records")), None)
    if row is None:
        return
    points = stored.curves(run).sort_values("at", kind="stable")
    _figures({str(k): v for k, v in row.items()}, points)
    if points.empty:
        waiting = is_alive(row)
        empty(
            "The first points come after the first trial on validation."
            if waiting
            else "This training left no curves.",
            height=trainings.HEIGHT,
        )
        return
    _curves(points)


def _figures(row: Mapping[str, Any], points: pd.DataFrame) -> None:
    with st.grid(5, min_column_width=150):
        ratios = pd.to_numeric(points["hit_ratio"]).dropna()
        best = float(ratios.max()) if len(ratios) else None
        card("Best hit ratio", best, "", ratios, percent=True, digits=2,
             explains="On the validation part, which is not learned from")  # fmt: skip
        last = float(ratios.iloc[-1]) if len(ratios) else None
        card("Last hit ratio", last, "", ratios, percent=True, digits=2,
             explains="Of the last trial on validation")  # fmt: skip
        speed = pd.to_numeric(points["steps_per_s"]).dropna()
        now = float(speed.iloc[-1]) if len(speed) else None
        card(
            "Speed",
            now,
            "/s",
            speed,
            digits=0,
            explains="Decisions learned from in a second, trials left out",
        )
        learned = points.groupby(["seed", "algorithm"])["steps"].max().sum()
        card("Decisions", float(learned), "", None, digits=0, explains="Learned from so far")
        _ending(row)


def _ending(row: Mapping[str, Any]) -> None:
    share, begun = float(row["progress"]), row["started_at"]
    running = is_alive(row)
    with st.container(border=True, height="stretch", gap="xsmall"):
        if running and begun and share > 0.02:
            left = (time.time() - float(begun)) * (1 - share) / share
            told = f"{share:.0%} done"
            st.metric("Expected end", f"in {ago(left)}", delta=told, delta_color="off",
                      delta_arrow="off", help="At the speed so far")  # fmt: skip
        elif running:
            st.metric("Expected end", "-", delta="just begun", delta_color="off", delta_arrow="off")
        else:
            took = float(row["finished_at"] or 0) - float(begun or row["created_at"])
            st.metric("Took", ago(took), delta=str(row["state"]), delta_color="off",
                      delta_arrow="off")  # fmt: skip


def _curves(points: pd.DataFrame) -> None:
    left, right = shell.pair()
    for place, column in zip((left, right, left, right), trainings.CURVES, strict=True):
        with place:
            title = trainings.CURVES[column][0]
            st.markdown(f"**{title.partition(' (')[0]}**{_EXPLAINED.get(column, '')}")
            rows = trainings.curve_rows(points, column)
            if rows.empty:
                empty("No point yet.", height=trainings.HEIGHT)
                continue
            says = f"{title}: last {rows['value'].iloc[-1]:.4g} after {rows['steps'].max():,.0f}."
            drawn = trainings.plot(rows, column, shell.stored_theme())
            chart(drawn, f"train-{column}", says)


_EXPLAINED = {
    "hit_ratio": " · a diamond where the best so far was kept",
    "exploration": " · share of random actions (DQN), or entropy (PPO, A2C)",
}


def result(row: Mapping[str, Any]) -> None:
    """What came of a training that has ended."""
    state = str(row["state"])
    told = stored.job_result(str(row["id"]), state)
    if not told.get("models"):
        words = cell(note({**row, "result": told}))
        if state == "failed":
            st.error(words, title="This training failed", icon=":material/error:")
        elif state == "interrupted":
            st.warning(f"{words}. It goes on at the engine's next start.", icon=":material/pause:")
        else:
            st.info(words, icon=":material/info:")
        return
    if told.get("cancelled"):
        st.info("Cancelled: the best so far was kept.", icon=":material/info:")
    evaluation_words.verdicts(told.get("evaluation") or {})
    scores = ", ".join(f"{score:.4f}" for score in told["validation"] if score is not None)
    numbers = ", ".join(map(str, told["models"]))
    st.markdown(
        f"Kept as **model{'s' if len(told['models']) > 1 else ''} {numbers}**; share of the value "
        f"saved on validation: {scores}; best: **model {told['best']}**."
    )
    st.page_link(
        "views/models.py",
        label=f"Look at model {told['best']} on Models",
        icon=":material/deployed_code:",
        query_params={"model": str(told["best"])},
    )
