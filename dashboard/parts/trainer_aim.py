"""What a hit is worth: hits, load time, bytes, or weights of one's own, suggested from the data."""

from __future__ import annotations

from typing import Any

import streamlit as st

from dashboard import stored
from engine.cache.value import HIT, LOAD_TIME, SIZE

OBJECTIVES = {
    "": "as the data tell",
    "hits": "hits: every hit counts the same",
    "cost": "load time: a hit on a slow result counts more",
    "bytes": "bytes: a hit on a large result counts more",
    "weighted": "weights of my own",
}
TITLES = {LOAD_TIME: "Load time", SIZE: "Size", HIT: "Each hit"}
ENVIRONMENTS = {
    "slot-rent": "rent of a place (default)",
    "admission": "admission (textbook)",
}


def controls(trace: stored.Row, places: dict[str, Any]) -> dict[str, Any]:
    """Objective, weights, environment and the models' name; `places` gets those for troubles."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        objective = st.selectbox(
            "What counts",
            list(OBJECTIVES),
            key="train-objective",
            width=330,
            format_func=OBJECTIVES.__getitem__,
            help=f"As the data tell: here {_told(trace)}",
        )
        environment = st.selectbox(
            "Formulation",
            list(ENVIRONMENTS),
            key="train-environment",
            width=220,
            format_func=ENVIRONMENTS.__getitem__,
            help="Rent: keep an item as long as it is worth its place. Admission: keep this result "
            "or not, against the one that would have to go",
        )
        name = st.text_input(
            "Name", key="train-name", placeholder="made of data and size", width=260
        )
    if objective == "cost" and trace["costs"] == "modelled":
        st.caption(f":orange[Load times are modelled.] {trace['cost_model']}")
    places["objective"] = st.container()
    weights = _weights(trace) if objective == "weighted" else {}
    places["cache_weights"] = st.container()
    return {
        "objective": str(objective),
        "environment": str(environment),
        "name": name.strip(),
        "cache_weights": weights,
    }


def _told(trace: stored.Row) -> str:
    if trace["costs"] == "measured":
        return "load time, since it was measured"
    return "hits, since no load time was measured"


def metrics(trace: stored.Row) -> list[str]:
    """What may be weighed: load time, size, each hit, and numbers that were recorded besides."""
    further = [
        str(one["name"])
        for one in trace["columns"]
        if one["kind"] in ("number", "boolean")
        and not one["recorded"]
        and one["name"] not in TITLES
    ]
    return [LOAD_TIME, SIZE, HIT, *further]


def _weights(trace: stored.Row) -> dict[str, float]:
    names = metrics(trace)
    pressed: Any = {"on_click": _suggest, "args": (str(trace["name"]), names)}
    with st.container(horizontal=True, vertical_alignment="bottom"):
        found = {
            name: st.number_input(
                TITLES.get(name, name),
                0.0,
                1e6,
                1.0 if name == LOAD_TIME else 0.0,
                0.1,
                key=f"train-weight-{name}",
                format="%g",
                width=130,
            )
            for name in names
        }
        st.button(
            "Suggest from the data", key="train-suggest", icon=":material/lightbulb:", **pressed
        )
    for line in st.session_state.get(_REASONS, ()):
        st.caption(line)
    return {name: float(weight) for name, weight in found.items() if weight}


_REASONS = "train-reasons"


def _suggest(trace: str, names: list[str]) -> None:
    """Set the weights to what the data suggest, and keep the reasons."""
    outcome = stored.weights(trace)
    if not outcome.done:
        st.session_state[_REASONS] = (outcome.sentence,)
        return
    told = {str(one["metric"]): one for one in outcome.value}
    for name in names:
        weight = float(told[name]["weight"]) if name in told else 0.0
        st.session_state[f"train-weight-{name}"] = weight
    st.session_state[_REASONS] = tuple(
        f"{TITLES.get(name, name)} {one['weight']:g}: {one['reason']}."
        for name, one in told.items()
    )
