"""The registry: every trained model in one line, and which one a person looks at."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
import streamlit as st

from dashboard import stored
from dashboard.charts.ranking import FIGURES

CHOSEN, TABLE = "model", "models-table"


def choose() -> stored.Row | None:
    """The table, and the model that is chosen in it; None while there is none."""
    rows = stored.models()
    if not rows:
        return None
    by_id = {int(row["id"]): row for row in rows}
    table = model_table(rows)
    st.dataframe(
        table,
        hide_index=True,
        key=TABLE,
        alt="Trained models, newest first",
        placeholder="-",
        on_select=_row_chosen,
        selection_mode="single-row",
        column_config={
            "number": st.column_config.NumberColumn("Model", width=50),
            "aliases": st.column_config.ListColumn("Is", width=85),
            "name": st.column_config.TextColumn("Name", width=180),
            "seed": st.column_config.NumberColumn("Seed", width=45),
            "cache": st.column_config.TextColumn("Cache", width=85),
            "learned": st.column_config.NumberColumn("Learned", format="%.1f %%", width=65),
            "classic": st.column_config.NumberColumn("Classic", format="%.1f %%", width=65,
                                                     help="The best of them, in hindsight"),
            "verdict": st.column_config.TextColumn("Verdict", width=95),
            "figure": st.column_config.TextColumn("Judged by", width=90),
            "us": st.column_config.NumberColumn(
                "Takes (µs)", format="%.2f", width=70,
                help="A decision: compiled replay, features included",
            ),
            "trained": st.column_config.DatetimeColumn(
                "Trained", format="MMM DD, HH:mm", width=100
            ),
        },
    )  # fmt: skip
    st.session_state["models-ids"] = list(by_id)
    if st.session_state.get(CHOSEN) not in by_id:
        st.session_state[CHOSEN] = _asked(by_id) or next(iter(by_id))
    number = st.selectbox(
        "Model",
        list(by_id),
        key=CHOSEN,
        width=520,
        format_func=lambda one: label(by_id[one]),
        help="Or click a row above",
    )
    chosen = int(number or next(iter(by_id)))
    st.query_params[CHOSEN] = str(chosen)  # a link to this model, by its number alone
    return by_id[chosen]


def _asked(known: Mapping[int, Any]) -> int | None:
    """The model that the page's address names."""
    text = str(st.query_params.get(CHOSEN, ""))
    return int(text) if text.isdecimal() and int(text) in known else None


def _row_chosen() -> None:
    chosen = st.session_state[TABLE].selection.rows
    ids = st.session_state.get("models-ids", [])
    if chosen and chosen[0] < len(ids):
        st.session_state[CHOSEN] = ids[chosen[0]]


def label(row: Mapping[str, Any]) -> str:
    """A model as lists name it: by what never changes, since a browser keeps what it has drawn."""
    seed = (row["spec"] or {}).get("seed", 0)
    return f"{row['id']} · {row['name']}, seed {seed}"


def size_of(row: Mapping[str, Any]) -> str:
    """The cache that a model was trained for."""
    unit = "bytes" if (row["spec"] or {}).get("by_bytes") else "results"
    return f"{int(row['cache_size'] or 0):,} {unit}"


def model_table(rows: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
    """One line a model: names, cache, and how it stands against the best classic at its size."""
    table = pd.DataFrame([_line(row) for row in rows])
    table["trained"] = pd.to_datetime(table["trained"].astype("float64"), unit="s", utc=True)
    return table


def _line(row: Mapping[str, Any]) -> dict[str, Any]:
    standing = _standing(row)
    return {
        "number": int(row["id"]),
        "aliases": list(row["aliases"]),
        "name": row["name"],
        "seed": (row["spec"] or {}).get("seed"),
        "cache": size_of(row),
        **{name: standing[name] for name in ("learned", "classic", "verdict", "figure", "us")},
        "trained": float(row["trained_at"] or row["created_at"]),
    }


def _standing(row: Mapping[str, Any]) -> dict[str, Any]:
    told = row["evaluation"] or {}
    nothing = dict.fromkeys(("figure", "learned", "classic", "us"))
    if not told.get("scores"):
        return nothing | {"verdict": "not judged"}
    metric, own = str(told["metric"]), row["cache_size"]
    here = [one for one in told["scores"] if one["capacity"] == own]
    learned = next((one for one in here if one["kind"] == "learned"), None)
    if learned is None:
        return nothing | {"verdict": "judged at other sizes"}
    classics = [float(one[metric] or 0.0) for one in here if one["kind"] == "classic"]
    verdict = next((one for one in told["verdicts"] if one["capacity"] == own), None)
    modelled = told["costs"] == "modelled" and metric != "hit_ratio"
    return {
        "figure": FIGURES[metric].lower() + (", modelled" if modelled else ""),
        "learned": 100.0 * float(learned[metric] or 0.0),
        "classic": 100.0 * max(classics) if classics else None,
        "us": learned["us_per_decision"],
        "verdict": word_of(verdict),
    }


def word_of(verdict: Mapping[str, Any] | None) -> str:
    """A verdict in a word or two."""
    if verdict is None:
        return "-"
    if verdict["lead_low"] > 0:
        return "learned wins"
    return "classic wins" if verdict["lead_high"] < 0 else "no difference"
