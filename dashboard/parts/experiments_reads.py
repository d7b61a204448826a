"""Cached, bounded reads of studies, and acting on them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd
import streamlit as st

from dashboard import client, data, stored
from db.queries import studies as known
from engine.actions import study_export, study_results
from engine.actions.study_words import differing

MOST = known.MOST_TRIALS
READ_S = 3.0


@st.cache_data(ttl=READ_S / 2, show_spinner=False, max_entries=2)
def listed() -> list[stored.Row]:
    """The newest studies with how far they are."""
    return study_results.studies(data.settings(), 50)


@st.cache_data(ttl=READ_S, show_spinner=False, max_entries=8)
def study(name: str) -> stored.Row:
    """A study with all its configurations, the best first."""
    return study_results.study(name, MOST, data.settings())


@st.cache_data(ttl=READ_S, show_spinner=False, max_entries=16)
def curves(name: str, trials: Sequence[int]) -> list[stored.Row]:
    """Learning curves of a few configurations."""
    return study_results.curves(name, list(trials), data.settings())


@st.cache_data(ttl=READ_S, show_spinner=False, max_entries=32)
def comparison(name: str, first: int, second: int) -> stored.Row:
    """Two configurations held against each other."""
    return study_results.comparison(name, first, second, data.settings())


@st.cache_data(ttl=READ_S, show_spinner=False, max_entries=4)
def values(name: str) -> list[stored.Row]:
    """Which values of each parameter are better over all else."""
    return study_results.values(name, data.settings())


@st.cache_data(ttl=3600, show_spinner=False, max_entries=4)
def parameters(kind: str) -> list[stored.Row]:
    """What studies of a kind may vary."""
    return study_results.parameters(kind)


def exported(name: str, form: str) -> str:
    """A study as csv, json or html."""
    return study_export.exported(name, form, data.settings())


def ask(action: Any, *args: Any) -> client.Outcome:  # noqa: ANN401 - any action
    """Call an action of a person and say what became of it; then read anew."""
    outcome = client.ask(action, *args, who=client.who(), settings=data.settings())
    forget()
    if not outcome.done:
        st.toast(outcome.sentence, icon=":material/error:", duration="long")
    return outcome


def forget() -> None:
    """Read everything anew."""
    for read in (listed, study, curves, comparison, values, data.jobs):
        read.clear()


def frame(found: stored.Row) -> pd.DataFrame:
    """One row a configuration that has a result: trial, parameters that differ, objective."""
    names = differing(found["spec"]["axes"])
    rows = [
        {
            "trial": one["trial"],
            "state": one["state"],
            **{name: (one["config"] or {}).get(name) for name in names},
            "objective": one["objective"],
            "low": one["low"],
            "high": one["high"],
            "improvement": one["improvement"],
            "seeds": one["runs"],
            **{key: (one["figures"] or {}).get(key) for key in found["figures"]},
        }
        for one in found["ranking"]
    ]
    sure = ["objective", "low", "high", "improvement"]
    columns = ["trial", "state", *names, *sure, "seeds", *found["figures"]]
    made = pd.DataFrame(rows, columns=columns)
    return made.astype(dict.fromkeys(sure, "float64"))


def logarithmic(found: stored.Row) -> list[str]:
    """Axes whose values spread over more than a factor of 20, all above 0."""
    wide = []
    for axis in found["spec"]["axes"]:
        values = list(axis.get("values") or [axis.get("low"), axis.get("high")])
        numbers = [v for v in values if isinstance(v, int | float) and not isinstance(v, bool)]
        above = len(numbers) == len(values) and min(numbers) > 0
        if axis.get("log") or (above and max(numbers) / min(numbers) > 20):
            wide.append(str(axis["name"]))
    return wide


def label(one: stored.Row, names: Sequence[str]) -> str:
    """A configuration as lists name it: its number, and what differs."""
    config = one["config"] or {}
    told = ", ".join(f"{name} {_value(config.get(name))}" for name in names)
    return f"{one['trial']} · {told}"


def brief(one: stored.Row, names: Sequence[str]) -> str:
    """A configuration in a narrow place: its number, and the values of `names` in their order."""
    config = one["config"] or {}
    return f"{one['trial']}: " + " / ".join(_value(config.get(name)) for name in names)


def _value(value: object) -> str:
    return f"{value:.3g}" if isinstance(value, float) else str(value)
