"""Cached, bounded reads of what trainer and jobs left: traces, results, models, curves, steps."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow.parquet as pq
import streamlit as st

from dashboard import client, data
from db.queries import pages, system
from db.queries import training as kept_curves
from engine.actions import step_files, training, weighing
from engine.actions import traces as trace_actions
from engine.export.places import exports_root
from engine.models import registry

MOST_MODELS = 100
MOST_STEPS = 2_000
"""Steps that the Models page asks for and reads at most."""

Row = dict[str, Any]


@st.cache_data(ttl=data.SLOW_S / 4, show_spinner=False, max_entries=2)
def traces() -> list[Row]:
    """All stored traces, by name."""
    return trace_actions.traces(data.settings())


@st.cache_data(ttl=data.SLOW_S, show_spinner=False, max_entries=2)
def sources() -> list[str]:
    """Names of the sources whose rows can become a trace."""
    return [str(name) for name in pages.sources_frame(data.store())["name"]]


@st.cache_data(ttl=3600, show_spinner=False, max_entries=32)
def job_result(run: str, state: str) -> Row:
    """What a job found; empty where it found nothing. A job's end never changes: `state` tells."""
    del state  # part of the key alone
    row = system.job(data.store(), run)
    return dict(row["result"] or {}) if row else {}


@st.cache_data(ttl=data.FRESH_S, show_spinner=False, max_entries=16)
def curves(run: str) -> pd.DataFrame:
    """The points of a training's curves, as far as it is."""
    names = ["run", "seed", "algorithm", "steps", "at", "hit_ratio", "value_ratio", "reward",
             "loss", "exploration", "steps_per_s", "best"]  # fmt: skip
    return pd.DataFrame(kept_curves.points(data.store(), run), columns=names)


@st.cache_data(ttl=data.SLOW_S / 4, show_spinner=False, max_entries=2)
def models() -> list[Row]:
    """The newest models with aliases and evaluations, newest first."""
    return registry.models(data.store(), MOST_MODELS)


@st.cache_data(ttl=data.SLOW_S, show_spinner=False, max_entries=8)
def model(number: int) -> client.Outcome:
    """Everything of one model, its curves included; or why not."""
    return client.told(lambda: registry.model(data.store(), number))


@st.cache_data(ttl=60, show_spinner=False, max_entries=16)
def weights(trace: str) -> client.Outcome:
    """Suggested weights of a trace, each with its reason; or why there are none."""
    return client.told(lambda: weighing.derived_weights(trace, "", data.settings()))


@st.cache_data(ttl=3600, show_spinner=False, max_entries=4)
def algorithms() -> list[Row]:
    """Every algorithm and recipe."""
    return training.algorithms()


@st.cache_data(ttl=3600, show_spinner=False, max_entries=8)
def hyperparameters(algorithm: str) -> list[Row]:
    """What may be set of an algorithm."""
    return training.hyperparameters(algorithm)


@st.cache_data(ttl=30, show_spinner=False, max_entries=4)
def steps(file: str) -> pd.DataFrame:
    """The steps of a stretch, at most `MOST_STEPS`; empty where the file is gone.

    Columns as `engine.training.steps.Step`, with `compared` as JSON; and score (of who asked to
    stay) and lowest (of all compared).
    """
    path = _steps_file(file)
    if not path.is_file():
        return pd.DataFrame()
    piece = next(pq.ParquetFile(path).iter_batches(MOST_STEPS), None)
    if piece is None or not piece.num_rows:
        return pd.DataFrame()
    frame: pd.DataFrame = piece.to_pandas()
    compared = frame["compared"].map(json.loads)
    frame["score"] = [told[0]["score"] if told else None for told in compared]
    frame["lowest"] = [min((c["score"] for c in told), default=None) for told in compared]
    return frame


def export_file(archive: str) -> Path | None:
    """The zip of an export, if it lies under the exports root and is still there."""
    root, path = exports_root(data.settings()).resolve(), Path(archive).resolve()
    return path if path.is_relative_to(root) and path.is_file() else None


def within_data(path: Path) -> str:
    """A resolved path below the data folder as pages show it: whose machine it is says nothing."""
    root = data.settings().data_path.resolve()
    return str(Path(root.name) / path.relative_to(root))


def forget() -> None:
    """Read everything anew: a person changed something."""
    for read in (traces, models, model, data.jobs):
        read.clear()


def ask(action: Any, *args: Any, **options: Any) -> client.Outcome:  # noqa: ANN401 - any action
    """Call an action of a person, then read anew what it may have changed."""
    outcome = client.ask(action, *args, **options)
    forget()
    return outcome


def _steps_file(file: str) -> Path:
    return step_files.steps_path(data.settings()) / Path(file).name
