"""What a cache of N would save: curves over all sizes, read at the size a person names."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd
import streamlit as st

from dashboard import stored
from dashboard.charts import ranking, sizes
from dashboard.parts import exporting, job_choice, jobs, shell
from dashboard.parts.drawing import chart
from dashboard.parts.states import empty


def results(trace: stored.Row) -> None:
    """The curves of this trace, and their figures at one size."""
    st.markdown("**What would a cache of N save?** · over all sizes")
    rows = job_choice.found("curves", lambda params: params.get("trace") == trace["name"])
    if not rows:
        none = "No curve of these requests yet. Press **Draw curves over all sizes** above."
        busy = "Curves are being computed; they appear here."
        empty(busy if jobs.alive(["curves"]) else none, height=160, icon="show_chart")
        return
    told = job_choice.choose(
        "curves", "Curves", rows, lambda params: f"{len(params['policies'])} policies"
    )
    if not told:
        st.caption("What this job found is no longer kept; draw the curves again.")
        return
    figure, capacity = _view(told)
    frame = sizes.curve_rows(told["curves"][figure])
    unit = "bytes" if told["by_bytes"] else "results"
    modelled = figure == "load_time_saved" and told["costs"] == "modelled"
    here = sizes.at_size(frame, capacity)
    left, right = st.columns([3, 2], gap="medium")
    with left:
        best = here.iloc[0]
        says = f"At {capacity:,} {unit}: {best['title']} {best['value']:.1%}."
        drawn = sizes.plot(frame, figure, unit, capacity, shell.stored_theme(), modelled)
        chart(drawn, "curves-lines", says)
    with right:
        _at_size(told, here, figure, capacity, unit)
    if not frame["exact"].all():
        st.caption(
            f"Estimated on samples of about a million of {told['requests']:,} requests; bands and "
            "± are 95 % intervals over five samples."
        )
    exporting.downloads("curves", lambda: frame, "the points of these curves")


def _view(told: Mapping[str, Any]) -> tuple[str, int]:
    figures = list(told["curves"])
    most = int(told["footprint"])
    with st.container(horizontal=True, vertical_alignment="bottom"):
        figure = st.segmented_control(
            "Figure",
            figures,
            default=figures[-1],
            required=True,
            key="curves-figure",
            format_func=ranking.FIGURES.__getitem__,
        )
        capacity = st.number_input(
            f"N ({'bytes' if told['by_bytes'] else 'results'})",
            1,
            max(1, most),
            max(1, most // 100),
            key=f"curves-size-{told['trace']}-{told['by_bytes']}",
            width=180,
        )
    return str(figure), int(capacity)


def _at_size(
    told: Mapping[str, Any], here: pd.DataFrame, figure: str, capacity: int, unit: str
) -> None:
    share = capacity / max(1, int(told["footprint"]))
    st.markdown(
        f"**A cache of {capacity:,} {unit}** holds {share:.2%} of what is ever asked for and saves:"
    )
    table = saved_table(told, here, figure)
    modelled = figure == "load_time_saved" and told["costs"] == "modelled"
    label = ranking.SHORT[figure] + (" (modelled)" if modelled else "")
    st.dataframe(
        table,
        hide_index=True,
        key="curves-table",
        alt="What each policy would save at this size, the best first",
        column_config={
            "title": st.column_config.TextColumn("Policy", width=120),
            "percent": st.column_config.NumberColumn(
                label, format="%.1f %%", width=130 if modelled else 80
            ),
            "error": st.column_config.NumberColumn("± points", format="%.1f", width=60),
            "per_request": st.column_config.NumberColumn("ms/request", format="%.2f", width=75),
            "in_all": st.column_config.NumberColumn("In all (s)", format="%.1f", width=65),
        },
    )
    if modelled:
        st.caption(f":orange[Load times are modelled.] {told['cost_model']}")
    elif figure != "load_time_saved" and told["cost_ms"] is not None:
        st.caption("Choose **Load time saved** to read it in milliseconds.")


def saved_table(told: Mapping[str, Any], here: pd.DataFrame, figure: str) -> pd.DataFrame:
    """Each policy's share at one size in percent, and, of load time, in ms and seconds."""
    table = pd.DataFrame(
        {
            "title": here["title"],
            "percent": 100.0 * here["value"],
            "error": 50.0 * (here["high"] - here["low"]),
        }
    )
    if not table["error"].any():
        table = table.drop(columns="error")
    if figure == "load_time_saved" and told["cost_ms"]:
        table["per_request"] = here["value"] * float(told["cost_ms"]) / told["requests"]
        table["in_all"] = (here["value"] * float(told["cost_ms"]) / 1000.0).round(1)
    return table
