"""Which study a person looks at, how far it is, and what can be done with it."""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from typing import Any

import streamlit as st

from dashboard import client, data, stored
from dashboard.parts import experiments_new, jobs, operating
from dashboard.parts import experiments_reads as reads
from dashboard.parts.drawing import card
from dashboard.parts.experiments_new import CHOSEN, PARAMETER
from dashboard.parts.services import ago, cell
from engine.actions import studies
from engine.study.statistics import MORE_SEEDS

COLOURS = {"running": "blue", "waiting": "orange", "done": "green", "stopped": "gray"}


def choose() -> str | None:
    """The study that is looked at: that of the address, else the newest; None while none is."""
    names = [str(one["name"]) for one in reads.listed()]
    told = {str(one["name"]): one for one in reads.listed()}
    with st.container(horizontal=True, vertical_alignment="bottom"):
        if names:
            asked = str(st.query_params.get(PARAMETER, ""))
            if st.session_state.get(CHOSEN) not in names:
                if asked and asked not in names:
                    _say(client.Outcome(False, f"There is no study {asked!r} here any more."), "")
                st.session_state[CHOSEN] = asked if asked in names else names[0]
            st.selectbox(
                "Study",
                names,
                key=CHOSEN,
                width=420,
                format_func=lambda name: f"{name} · {told[name]['kind']} · {told[name]['state']}",
            )
        experiments_new.form()
        jobs.cancel_buttons(["study"])
    if not names:
        return None
    chosen = str(st.session_state[CHOSEN])
    st.query_params[PARAMETER] = chosen  # a link to this study
    return chosen


def standing(name: str) -> None:
    """How far the study is, in cards; for the live part."""
    found = next((one for one in reads.listed() if one["name"] == name), None)
    if found is None:
        return
    counts = found["counts"]
    with st.grid(5, min_column_width=150):
        with st.container(border=True, height="stretch", gap="xsmall"):
            state = str(found["state"])
            st.metric("State", state, delta=str(found["sampler"]), delta_color="off",
                      delta_arrow="off")  # fmt: skip
        card("Runs", float(found["runs"]), f"of {found['wanted']:,}", digits=0,
             explains="A run is one seed of a configuration")  # fmt: skip
        each = ", ".join(f"{n} {state}" for state, n in counts.items()) or "none yet"
        card("Configurations", float(sum(counts.values())), "", digits=0, explains=each)
        card("A run takes", found["run_s"] or None, "s", explains="On average")
        left = found["left_s"]
        with st.container(border=True, height="stretch", gap="xsmall"):
            st.metric(
                "Expected end",
                f"in {ago(left)}" if left is not None else "-",
                delta=f"{found['share']:.0%} done",
                delta_color="off",
                delta_arrow="off",
                help="At the speed so far, with the workers that run now",
            )


def buttons(found: stored.Row, trial: int | None) -> None:
    """One line of buttons for the study and the configuration that is chosen in it."""
    name, state = str(found["name"]), str(found["standing"]["state"])
    with st.container(horizontal=True, vertical_alignment="center"):
        if state in ("running", "waiting"):
            if operating.button("Stop", key="study-stop", icon=":material/stop_circle:"):
                _done(reads.ask(studies.stop_study, name), f"{name} ends within seconds")
        elif state == "stopped" and operating.button(
            "Resume", key="study-resume", icon=":material/play_arrow:"
        ):
            _started(reads.ask(studies.resume_study, name), name)
        if state == "waiting" and operating.button(
            "Run", type="primary", key="study-run", icon=":material/play_arrow:"
        ):
            _started(client.Outcome(True), name)
        _seeds(name)
        _extend(name, found)
        failed = found["standing"]["counts"].get("failed", 0)
        if failed and operating.button(
            f"Rerun {failed} failed", key="study-rerun", icon=":material/replay:"
        ):
            _started(reads.ask(studies.rerun_trials, name, None), name)
        if trial is not None:
            _take(found, trial)
        _downloads(name)
        if operating.button("Delete …", key="study-delete", icon=":material/delete:"):
            _delete(name)


def _seeds(name: str) -> None:
    with st.popover("Add seeds …", icon=":material/casino:"):
        add = st.number_input("Seeds for each configuration", 1, 50, 5, key="study-seeds-add")
        if operating.button("Add and run", type="primary", key="study-seeds-go"):
            _started(reads.ask(studies.add_seeds, name, int(add), None), name)


def more_seeds(found: stored.Row, pair: Sequence[int], key: str) -> None:
    """A button that gives two configurations the seeds that may tell them apart."""
    resting = {one["trial"] for one in found["ranking"] if one["state"] in ("done", "pruned")}
    if not resting.issuperset(pair):
        return
    name, told = str(found["name"]), " and ".join(map(str, pair))
    if operating.button(
        f"Add {MORE_SEEDS} seeds to {told}", key=f"study-seeds-{key}", icon=":material/casino:"
    ):
        _started(reads.ask(studies.add_seeds, name, MORE_SEEDS, list(pair)), name)


def _extend(name: str, found: stored.Row) -> None:
    """Offer more of what the study's budget is counted in; a whole grid has no more."""
    spec = found["spec"]
    sizes = [len(axis["values"]) for axis in spec["axes"]]
    if spec["sampler"] == "grid" and spec["trials"] >= math.prod(sizes):
        return
    with st.popover("Extend …", icon=":material/add:"):
        trials = minutes = 0
        if spec["trials"]:
            trials = st.number_input("More configurations", 0, 1000, 20, key="study-extend-trials")
        if spec["minutes"]:
            minutes = st.number_input("More minutes", 0, 1000, 10, key="study-extend-minutes")
        if operating.button("Extend and run", type="primary", key="study-extend-go"):
            done = reads.ask(studies.extend_study, name, int(trials), float(minutes))
            _started(done, name)


def _take(found: stored.Row, trial: int) -> None:
    name = str(found["name"])
    if found["kind"] == "agent":
        if operating.button(
            f"Apply trial {trial} to the live agent",
            key="study-apply",
            icon=":material/psychology:",
            help="Sets the agent's tunables; it follows at its next interval",
        ):
            outcome = reads.ask(studies.apply_trial, name, trial)
            told = ", ".join(f"{k} = {v}" for k, v in (outcome.value or {}).items())
            _done(outcome, f"The live agent follows trial {trial}: {told}")
    elif operating.button(
        f"Register the model of trial {trial}",
        key="study-register",
        icon=":material/deployed_code:",
        help="Trains its best seed once more, judges it and keeps it on Models",
    ):
        _done(reads.ask(studies.register_trial, name, trial), "A training has started")


def _downloads(name: str) -> None:
    with st.popover("Export …", icon=":material/download:"):
        for form, title in (("csv", "Runs as CSV"), ("json", "JSON"), ("html", "HTML report")):
            st.download_button(
                title,
                data=functools.partial(reads.exported, name, form),
                file_name=f"{name}.{form}",
                key=f"study-export-{form}",
                on_click="ignore",
            )


@st.dialog("Delete this study?")
def _delete(name: str) -> None:
    st.markdown(f"**{cell(name)}** and all its runs go; the tunables that it changed stay.")
    with st.container(horizontal=True, horizontal_alignment="right"):
        if st.button("Cancel", key="study-delete-no"):
            st.rerun()
        pressed: Any = {"on_click": _deleted, "args": (name,)}
        if operating.button("Delete", type="primary", key="study-delete-yes", **pressed):
            st.rerun()


def _deleted(name: str) -> None:
    _say(reads.ask(studies.remove_study, name), f"{name} is deleted")
    st.session_state.pop(CHOSEN, None)
    st.query_params.pop(PARAMETER, None)


def _started(outcome: client.Outcome, name: str) -> None:
    """Let a job work on the study, unless one does."""
    if not outcome.done:
        _say(outcome, "")
        return
    busy = any(
        str((row["params"] or {}).get("name")) == name and str(row["state"]) in jobs.ALIVE
        for row in data.jobs(("study",)).to_dict("records")
    )
    if not busy:
        jobs.start("study", {"name": name, "workers": 1})
    st.rerun()


def _done(outcome: client.Outcome, told: str) -> None:
    _say(outcome, told)
    if outcome.done:
        st.rerun()


def _say(outcome: client.Outcome, told: str) -> None:
    if outcome.done:
        st.toast(told, icon=":material/check:")
    else:
        st.toast(outcome.sentence, icon=":material/error:", duration="long")
