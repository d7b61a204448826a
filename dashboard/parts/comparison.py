"""A comparison of the classic policies: the verdict, the table, and the dots."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd
import streamlit as st

from dashboard import stored
from dashboard.charts import ranking
from dashboard.parts import exporting, job_choice, jobs, shell
from dashboard.parts.drawing import chart
from dashboard.parts.states import empty

PARTS = {"whole": "all requests, from an empty cache", "judged": "newer half, with a warm cache"}
KINDS = {"classic": "", "limit": "limit", "optimum": "optimum", "reference": "reference"}


def results(trace: stored.Row) -> None:
    """The comparisons of this trace, the newest first shown."""
    st.markdown("**Classic policies** · replayed on the same requests")
    rows = job_choice.found("compare", lambda params: params.get("trace") == trace["name"])
    if not rows:
        none = "No comparison of these requests yet. Press **Compare** above to start one."
        busy = "Policies are being compared; the ranking appears here."
        empty(busy if jobs.alive(["compare"]) else none, height=160, icon="leaderboard")
        return
    told = job_choice.choose("compare", "Comparison", rows, _asked)
    if not told:
        st.caption("What this job found is no longer kept; compare again.")
        return
    figure, capacity, part = _view(told)
    _verdict(told, figure, capacity, part)
    left, right = shell.pair()
    frame = ranking.ranked(told["outcomes"], figure, capacity, part)
    modelled = figure == "load_time_saved" and told["costs"] == "modelled"
    with left:
        says = f"Best: {frame['title'].iloc[0]}, {frame['value'].iloc[0]:.1%}."
        chart(ranking.plot(frame, figure, shell.stored_theme(), modelled), "compare-dots", says)
    with right:
        table = outcome_table(told, capacity, part, figure)
        _table(told, table, figure)
        exporting.downloads("comparison", lambda: full_table(told), "every policy at every size")


def _asked(params: Mapping[str, Any]) -> str:
    sizes = ", ".join(params.get("sizes") or ())
    names = params.get("policies") or ()
    return f"{sizes} {'bytes' if params.get('by_bytes') else ''} · {len(names) or 'all'} policies"


def unit(told: Mapping[str, Any]) -> str:
    """What sizes count."""
    return "bytes" if told["by_bytes"] else "results"


def _view(told: Mapping[str, Any]) -> tuple[str, int, str]:
    capacities = sorted({int(one["capacity"]) for one in told["outcomes"]})
    whole = float(told["footprint"])
    with st.container(horizontal=True, vertical_alignment="bottom"):
        figure = st.segmented_control(
            "Figure",
            told["figures"],
            default=told["figures"][-1],
            required=True,
            key="compare-figure",
            format_func=ranking.FIGURES.__getitem__,
        )
        capacity = st.segmented_control(
            f"Size ({unit(told)})",
            capacities,
            default=capacities[len(capacities) // 2],
            required=True,
            key="compare-capacity",
            format_func=lambda size: f"{size:,} ({size / whole:.2%})",
        )
        part = st.selectbox(
            "Counted over",
            list(PARTS),
            key="compare-part",
            width=290,
            format_func=PARTS.__getitem__,
        )
    return str(figure), int(capacity or capacities[0]), str(part)


def _verdict(told: Mapping[str, Any], figure: str, capacity: int, part: str) -> None:
    said = [
        str(one["sentence"])
        for one in told["verdicts"]
        if (one["figure"], one["capacity"], one["part"]) == (figure, capacity, part)
    ]
    if said:
        st.info(said[0], icon=":material/emoji_events:")
    if figure == "load_time_saved" and told["costs"] == "modelled":
        st.caption(f":orange[Load times are modelled.] {told['cost_model']}")
    if told["ttl_s"]:
        st.caption(f"Results end {told['ttl_s']:g} s after they were loaded.")


def outcome_table(told: Mapping[str, Any], capacity: int, part: str, figure: str) -> pd.DataFrame:
    """One row a policy at one size, the best first; shares in percent."""
    table = full_table(told)
    shown = table[(table["capacity"] == capacity) & (table["part"] == part)]
    return shown.sort_values(figure, ascending=False, kind="stable", ignore_index=True)


def full_table(told: Mapping[str, Any]) -> pd.DataFrame:
    """Every outcome: policy, kind, capacity, part, the figures (percent), saved time, speed."""
    rows = []
    for one in told["outcomes"]:
        for part in PARTS:
            tally = one[part]
            asked = max(1, int(tally["requests"]))
            rows.append(
                {
                    "title": one["title"],
                    "kind": KINDS.get(str(one["kind"]), str(one["kind"])),
                    "capacity": one["capacity"],
                    "part": part,
                    **{name: 100.0 * tally[name] for name in told["figures"]},
                    "saved_ms": float(tally["hit_cost"]) / asked,
                    "million_per_s": told["requests"] / max(float(one["seconds"]), 1e-9) / 1e6,
                }
            )
    return pd.DataFrame(rows)


def _table(told: Mapping[str, Any], table: pd.DataFrame, figure: str) -> None:
    choices = table.index[table["kind"] == ""]
    table.loc[choices[:1], "kind"] = "best"
    others = [name for name in ("hit_ratio", "load_time_saved") if name in told["figures"]]
    others = [name for name in others if name != figure][:1]
    shown = ["title", "kind", figure, *(["saved_ms"] if "saved" in figure else others)]
    modelled = " (modelled)" if told["costs"] == "modelled" else ""
    percent = {
        name: st.column_config.NumberColumn(
            ranking.SHORT[name] + (modelled if name == "load_time_saved" else ""),
            format="%.1f %%",
            width=130 if modelled and name == "load_time_saved" else 85,
        )
        for name in told["figures"]
    }
    st.dataframe(
        table[shown],
        hide_index=True,
        key="compare-table",
        height=60 + ranking.ROW * max(len(table), 6),
        row_height=28,
        alt="Every policy at this size, the best first",
        column_config={
            "title": st.column_config.TextColumn("Policy", width=170),
            "kind": st.column_config.TextColumn("Is a", width=70),
            **percent,
            "saved_ms": st.column_config.NumberColumn("ms/request", format="%.1f", width=80,
                                                      help=f"Load time saved{modelled}"),
        },
    )  # fmt: skip
