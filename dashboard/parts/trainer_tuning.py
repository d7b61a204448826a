"""Every hyperparameter within its range, made from the algorithms' own structs."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import streamlit as st

from dashboard import stored
from engine.training.options import DEFAULTS, TrainOptions

DEVICES = {"cpu": "CPU", "cuda": "CUDA", "auto": "CUDA if there is one"}


def controls(names: Sequence[str], environment: str) -> dict[str, Any]:
    """Hyperparameters that differ from their defaults, how often it is judged, and the device."""
    defaults = TrainOptions()
    with st.expander("Hyperparameters", icon=":material/tune:"):
        with st.container(horizontal=True):
            evaluations = st.number_input(
                "Trials on validation", 1, 1000, defaults.evaluations, key="train-evaluations",
                width=180, help="How often the policy is tried while it learns",
            )  # fmt: skip
            patience = st.number_input(
                "Patience", 0, 1000, defaults.patience, key="train-patience", width=180,
                help="Trials in a row without a better one that end the training; 0: never",
            )  # fmt: skip
            device = st.selectbox(
                "Device", list(DEVICES), key="train-device", width=200,
                format_func=DEVICES.__getitem__,
            )  # fmt: skip
        changed: dict[str, Any] = {}
        for name in names:
            st.markdown(f"**{name.upper()}**")
            changed |= _of_algorithm(name, environment)
    return {
        "hyperparameters": changed,
        "evaluations": int(evaluations),
        "patience": int(patience),
        "device": str(device),
    }


def _of_algorithm(name: str, environment: str) -> dict[str, Any]:
    found: dict[str, Any] = {}
    with st.grid(4, min_column_width=200, gap="small"):
        for one in stored.hyperparameters(name):
            default = DEFAULTS.get(environment, {}).get(one["name"], one["default"])
            with st.container():
                value = _widget(f"train-{environment}-{name}", one, default)
            if value != default:
                found[f"{name}.{one['name']}"] = value
    return found


def _widget(prefix: str, one: dict[str, Any], default: Any) -> Any:  # noqa: ANN401 - any kind
    """A field that cannot leave the range of its hyperparameter."""
    label, key = str(one["name"]).replace("_", " "), f"{prefix}-{one['name']}"
    told = f"{one['help']}: {one['range']}"
    if one["choices"]:
        choices = list(one["choices"])
        return st.selectbox(label, choices, choices.index(default), key=key, help=told)
    if one["kind"] == "int":
        least, most = int(one["low"]), int(one["high"])
        return int(st.number_input(label, least, most, int(default), 1, key=key, help=told))
    low, high = float(one["low"]), float(one["high"])
    step = 10.0 ** (math.floor(math.log10(default)) - 1) if default > 0 else 0.01
    given = st.number_input(label, low, high, float(default), step, key=key, help=told, format="%g")
    return float(given)
