"""What to train on the chosen requests: algorithm, aim, size, features; started by one button."""

from __future__ import annotations

from typing import Any

import streamlit as st

from dashboard import client, data, stored
from dashboard.parts import operating, trainer_aim, trainer_checks, trainer_columns, trainer_tuning
from engine.actions import training
from engine.actions.training import TrainWanted
from engine.training.options import algorithms_of

MOST_SEEDS = 10


def form(trace: stored.Row) -> None:
    """Every control of a training; a trouble shows below the control that it is about."""
    with st.container(border=True):
        fields, places = _main(trace)
        fields |= trainer_aim.controls(trace, places)
        fields["columns"] = trainer_columns.choice(trace)
        names = algorithms_of(str(fields["algorithm"]))
        fields |= trainer_tuning.controls(names, str(fields["environment"]))
        at_once = fields.pop("at_once")
        places["other"] = st.container()
        wanted = TrainWanted(trace=str(trace["name"]), **fields)
        troubles = trainer_checks.troubles(wanted, trace)
        for field, sentence in troubles.items():
            place = places.get(field) or places["other"]
            place.error(sentence, icon=":material/error:")
        _start_button(wanted, at_once, bool(troubles))


def _main(trace: stored.Row) -> tuple[dict[str, Any], dict[str, Any]]:
    places: dict[str, Any] = {}
    known = {str(one["name"]): one for one in stored.algorithms()}
    with st.grid(4, min_column_width=190, gap="small"):
        with st.container():
            algorithm = st.selectbox(
                "Algorithm",
                list(known),
                key="train-algorithm",
                format_func=lambda name: str(known[name]["title"]),
                help="PPO + DQN learn side by side; shadows choose online which of them, or plain "
                "eviction, decides",
            )
        with st.container():
            size = st.text_input(
                "Cache size",
                "1%",
                key="train-size",
                help="A number, or a share of the distinct results (or bytes)",
            )
            by_bytes = st.toggle(
                "in bytes", key="train-bytes", disabled=trace["sizes"] != "recorded"
            )
            places["cache_size"] = st.container()
        with st.container():
            own = max(
                (int(known[n]["timesteps"]) for n in algorithms_of(str(algorithm))), default=0
            )
            timesteps = st.number_input(
                "Decisions to learn from",
                1,
                1_000_000_000,
                None,
                10_000,
                key="train-timesteps",
                placeholder=f"its own, up to {own:,}",
                help="Of each algorithm",
            )
            places["timesteps"] = st.container()
        with st.container():
            seeds = st.number_input(
                "Seeds",
                1,
                MOST_SEEDS,
                1,
                key="train-seeds",
                help="Each is a training of its own; five or more tell luck from skill",
            )
            at_once = st.toggle(
                "side by side", key="train-at-once", disabled=seeds == 1, help="One job a seed"
            )
    fields = {
        "algorithm": str(algorithm),
        "cache_size": int(size) if size.strip().isdecimal() else size.strip(),
        "by_bytes": bool(by_bytes),
        "timesteps": int(timesteps or 0),
        "seeds": tuple(range(int(seeds))),
        "at_once": bool(at_once and seeds > 1),
    }
    return fields, places


def _start_button(wanted: TrainWanted, at_once: bool, stopped: bool) -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        pressed = operating.button(
            "Start training",
            type="primary",
            key="train",
            icon=":material/model_training:",
            disabled=stopped,
        )
        st.caption(
            "Learns on the oldest 40 % of the requests, picks the best on the next 10 %, and is "
            "judged at the end on the newest 50 %, which it has never seen."
        )
    if not pressed:
        return
    outcome = client.ask(training.start_training, wanted, at_once, client.who(), data.settings())
    data.jobs.clear()
    if outcome.done:
        st.session_state["train-watch"] = outcome.value[0]
        st.toast("Training has started", icon=":material/rocket_launch:")
        st.rerun()
    st.error(outcome.sentence, icon=":material/error:")
