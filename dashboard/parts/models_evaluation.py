"""How a model was judged: verdicts, the learned policy beside every classic, and its speed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd
import streamlit as st

from dashboard import stored
from dashboard.charts import ranking
from dashboard.parts import evaluation_words, exporting, shell
from dashboard.parts.drawing import card, chart
from dashboard.parts.states import empty

KINDS = {"classic": "", **dict.fromkeys(ranking.LIMITS, "limit")}
"""Kind, or policy, of a score -> what stands beside it; others stand as they are called."""


def shown(row: stored.Row) -> None:
    """The evaluation of a model, or how it gets one."""
    told = row["evaluation"] or {}
    if not told.get("scores"):
        empty("Not judged yet. Press **Evaluate …** above to start.", height=160, icon="gavel")
        return
    evaluation_words.verdicts(told)
    figure, capacity = _view(told)
    frame = ranking.judged(told["scores"], figure, capacity)
    _figures(told, capacity, figure)
    left, right = shell.pair()
    modelled = figure in ("load_time_saved", "value_ratio") and told["costs"] == "modelled"
    with left:
        says = f"Best: {frame['title'].iloc[0]}, {frame['value'].iloc[0]:.1%}."
        chart(ranking.plot(frame, figure, shell.stored_theme(), modelled), "model-dots", says)
    with right:
        _table(told, capacity, figure)
    seeds = next((len(s["seeds"]) for s in told["scores"] if s["kind"] == "learned"), 1)
    spread = (
        f"Learned: mean of {seeds} seeds; the bar is its 95 % interval over seeds."
        if seeds > 1
        else "Learned: one seed; train five or more to tell luck from skill."
    )
    st.caption(
        f"{spread} Judged on the newest {told['judged']:,} of {told['requests']:,} requests of "
        f"{told['trace']}, with a warm cache."
    )
    exporting.downloads(f"evaluation-{row['id']}", lambda: full_table(told), "every score")


def figures_of(told: Mapping[str, Any]) -> list[str]:
    """The figures that say something here, the one that policies are ranked by first."""
    known = [
        "hit_ratio",
        "byte_hit_ratio",
        *(["load_time_saved"] if told["costs"] != "none" else []),
    ]
    metric = str(told["metric"])
    return [metric, *(name for name in known if name != metric)]


def _view(told: Mapping[str, Any]) -> tuple[str, int]:
    capacities = sorted({int(one["capacity"]) for one in told["scores"]})
    figures = figures_of(told)
    unit = "bytes" if told["by_bytes"] else "results"
    with st.container(horizontal=True, vertical_alignment="bottom"):
        figure = st.segmented_control(
            "Figure",
            figures,
            default=figures[0],
            required=True,
            key="model-figure",
            format_func=ranking.FIGURES.__getitem__,
        )
        capacity = st.segmented_control(
            f"Size ({unit})",
            capacities,
            default=capacities[-1],
            required=True,
            key="model-capacity",
            format_func=lambda size: f"{size:,}",
        )
    return str(figure), int(capacity or capacities[-1])


def _figures(told: Mapping[str, Any], capacity: int, figure: str) -> None:
    here = [one for one in told["scores"] if one["capacity"] == capacity]
    learned = next(one for one in here if one["kind"] == "learned")
    verdict = next((one for one in told["verdicts"] if one["capacity"] == capacity), None)
    with st.grid(5, min_column_width=150):
        card(ranking.FIGURES[figure], learned[figure], "", None, percent=True, digits=2,
             explains="Of the learned policy, mean over its seeds")  # fmt: skip
        best = max((one for one in here if one["kind"] == "classic"), key=lambda o: o[figure] or 0)
        card(f"Best classic: {best['title']}", best[figure], "", None, percent=True, digits=2,
             explains="Best in hindsight, at this size, on these very requests")  # fmt: skip
        closed = verdict["gap_closed"] if verdict else None
        bounded = any(one["kind"] == "optimum" for one in here)
        card("Gap closed", closed, "", None, percent=True, digits=0,
             missing="no room" if bounded else "no optimum judged",
             explains="Of what the optimum is ahead of the best classic")  # fmt: skip
        card("Decision", learned["us_per_decision"], "µs", None, digits=2,
             explains="Compiled replay, features included; each decision scores every candidate",
        )  # fmt: skip
        card("Request", learned["us_per_request"], "µs", None, digits=2,
             explains="Compiled replay over all requests, hits included")  # fmt: skip


def full_table(told: Mapping[str, Any]) -> pd.DataFrame:
    """Every score, shares in percent: what the page shows and its downloads hold."""
    figures = figures_of(told)
    return pd.DataFrame(
        [
            {
                "capacity": one["capacity"],
                "title": one["title"],
                "kind": KINDS.get(str(one["policy"]), KINDS.get(str(one["kind"]), one["kind"])),
                **{name: _percent(one[name]) for name in figures},
                "time_low": _percent(one["time_low"]),
                "time_high": _percent(one["time_high"]),
                "seed_low": _percent(one["seed_low"]),
                "seed_high": _percent(one["seed_high"]),
                "us_per_request": one["us_per_request"],
                "us_per_decision": one["us_per_decision"],
            }
            for one in told["scores"]
        ]
    )


_TOLD = {True: ("load_time_saved", "hit_ratio"), False: ("hit_ratio", "byte_hit_ratio")}
"""Whether load times are known -> figures that stand beside the chosen one."""


def _percent(value: float | None) -> float | None:
    return None if value is None else 100.0 * float(value)


def _table(told: Mapping[str, Any], capacity: int, figure: str) -> None:
    table = full_table(told)
    here = table[table["capacity"] == capacity].sort_values(figure, ascending=False)
    figures = [figure, *(name for name in _TOLD[told["costs"] != "none"] if name != figure)]
    modelled = " (modelled)" if told["costs"] == "modelled" else ""
    named = {
        name: st.column_config.NumberColumn(
            ranking.SHORT[name] + (modelled if "saved" in name else ""),
            format="%.1f %%",
            width=130 if modelled and "saved" in name else 65,
        )
        for name in figures
    }
    low = here["time_low"].map("{:.1f}".format)
    here = here.assign(interval=low + " to " + here["time_high"].map("{:.1f}".format))
    st.dataframe(
        here[["title", "kind", *figures[:2], "interval"]],
        hide_index=True,
        key="model-scores",
        height=60 + ranking.ROW * max(len(here), 6),
        row_height=28,
        alt="The learned policy, every classic and the optimum at this size, the best first",
        placeholder="-",
        column_config={
            "title": st.column_config.TextColumn("Policy", width=170),
            "kind": st.column_config.TextColumn("Is a", width=60),
            **named,
            "interval": st.column_config.TextColumn(
                "95 % over time",
                width=100,
                help=f"Of {ranking.FIGURES[str(told['metric'])].lower()}, by block bootstrap",
            ),
        },
    )
