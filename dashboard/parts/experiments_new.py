"""Making a study on the page: what to vary, how often, and for how long."""

from __future__ import annotations

from typing import Any

import streamlit as st

from dashboard import client, data, stored
from dashboard.parts import experiments_reads as reads
from dashboard.parts import jobs, operating
from engine.actions import studies
from engine.errors import EngineError
from engine.study.spaces import parse_axes

FORM, REFUSED = "study-new", "study-refused"
CHOSEN, PARAMETER = "study-chosen", "study"
"""Where the study that is looked at stands: on the page, and in its address."""

STARTS = {
    "agent": "learning_rate=0.05,0.1,0.3\nexploration=0.02,0.05,0.2\ndiscount=0,0.1,0.5",
    "trainer": "algorithm=ppo,dqn,a2c\nlearning_rate=0.0001..0.003~log",
}
SAMPLERS = {"": "as the axes ask for", "grid": "grid", "random": "random", "tpe": "TPE"}


def form() -> None:
    """Every control of a new study, and the button that makes and starts it."""
    slot: Any = {"key": FORM, "on_change": "rerun"}
    with st.popover("New study …", icon=":material/science:", width="content", **slot):
        with st.container(horizontal=True):
            name = st.text_input("Name", f"study-{len(reads.listed()) + 1}", key="study-name")
            kind = str(
                st.segmented_control(
                    "Studies",
                    ["agent", "trainer"],
                    default="agent",
                    required=True,
                    key="study-kind",
                )
            )
        options = _data(kind)
        text = st.text_area(
            "Vary, a line each",
            STARTS[kind],
            key=f"study-vary-{kind}",
            help="name=1,2,3 tries these values; name=0.01..0.3~log a range on a log scale",
        )
        with st.expander("What may be varied"):
            known = reads.parameters(kind)
            lines = [f"- `{p['name']}`: {p['help']} ({p['range']})" for p in known]
            st.markdown("\n".join(lines))
        budget = _budget()
        fields = {"name": name.strip(), "kind": kind, "options": options, **budget}
        pressed: Any = {"on_click": _make, "args": (fields, text)}
        operating.button("Make and start", type="primary", key="study-make", **pressed)
        if refused := st.session_state.pop(REFUSED, ""):
            st.error(refused, icon=":material/error:")


def _data(kind: str) -> dict[str, Any]:
    if kind == "trainer":
        traces = [str(one["name"]) for one in stored.traces()]
        if not traces:
            st.info("A trainer study needs a trace: import one on **Traffic & data**.")
            return {}
        return {"trace": str(st.selectbox("Trace", traces, key="study-trace"))}
    with st.container(horizontal=True):
        source = st.selectbox("Recorded by", stored.sources() or [""], key="study-source")
        minutes = st.number_input(
            "Newest minutes", 2, 1440, 20, key="study-minutes", help="Replayed in every run"
        )
    return {"source": str(source or ""), "minutes": float(minutes)}


def _budget() -> dict[str, Any]:
    with st.container(horizontal=True):
        sampler = st.selectbox(
            "Sampler", list(SAMPLERS), key="study-sampler", format_func=SAMPLERS.__getitem__
        )
        seeds = st.number_input("Seeds", 1, 100, 5, key="study-seeds", help="Runs of each")
        trials = st.number_input(
            "Configurations", 0, 10_000, 0, key="study-trials", help="0: the whole grid, or 50"
        )
        minutes = st.number_input("Minutes at most", 0, 10_000, 0, key="study-budget")
    with st.container(horizontal=True):
        workers = st.number_input("Workers", 1, 16, 1, key="study-workers", help="Processes here")
        warm = st.selectbox(
            "Start from", ["", *(str(one["name"]) for one in reads.listed())], key="study-warm",
            format_func=lambda one: one or "nothing", help="TPE knows that study's results then",
        )  # fmt: skip
    pruning = st.toggle("Save seeds of what is clearly worse than the best", key="study-pruning")
    return {
        "sampler": str(sampler or ""),
        "seeds": int(seeds),
        "trials": int(trials),
        "minutes": float(minutes),
        "warm": str(warm or ""),
        "pruning": bool(pruning),
        "workers": int(workers),
    }


def _make(fields: dict[str, Any], text: str) -> None:
    """Make the study and let a job work on it; the form stays open where it is refused."""
    workers = fields.pop("workers")
    try:
        fields["vary"] = parse_axes(line for line in text.splitlines() if line.strip())
    except EngineError as error:
        st.session_state[REFUSED] = str(error)
        return
    outcome = client.ask(studies.create_study, fields, client.who(), data.settings())
    reads.forget()
    if not outcome.done:
        st.session_state[REFUSED] = outcome.sentence
        return
    name = str(fields["name"])
    st.session_state[CHOSEN], st.session_state[FORM] = name, False
    st.query_params[PARAMETER] = name
    jobs.start("study", {"name": name, "workers": workers})
