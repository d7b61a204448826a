"""The table of configurations: what differs, the figures, and the lead over a pinned baseline."""

from __future__ import annotations

from typing import Any

import pandas as pd
import streamlit as st

from dashboard import client, stored
from dashboard.charts import studies as charts
from dashboard.parts import experiments_reads as reads
from dashboard.parts import operating, shell
from dashboard.parts.drawing import chart
from engine.actions import studies
from engine.actions.study_words import differing

TABLE = "study-table"
MOST_CHOSEN = 8
MOST_NAMED = 50
"""The best of so many configurations can be picked by name; all of them in the table."""


def pinned(found: stored.Row) -> None:
    """Which configuration all others are held against."""
    names = differing(found["spec"]["axes"])
    by_number = {int(one["trial"]): one for one in found["ranking"]}
    now = found["baseline"]
    likely = list(by_number)[:MOST_NAMED]
    options = [-1, *likely, *([now] if now in by_number and now not in likely else [])]
    chosen = st.selectbox(
        "Baseline",
        options,
        index=options.index(int(now)) if now in by_number else 0,
        key=f"study-baseline-{found['name']}",
        width=420,
        format_func=lambda n: "none" if n < 0 else reads.label(by_number[n], names),
        **({"help": "The table shows the lead over it"} | operating.locked()),
    )
    wanted = None if chosen is None or chosen < 0 else int(chosen)
    if wanted != now:
        outcome: client.Outcome = reads.ask(studies.pin_baseline, str(found["name"]), wanted)
        if outcome.done:
            st.rerun()
        st.error(outcome.sentence, icon=":material/error:")


def filtered(frame: pd.DataFrame, found: stored.Row) -> pd.DataFrame:
    """The rows that a person wants to see."""
    names = differing(found["spec"]["axes"])
    with st.popover("Filter …", icon=":material/filter_alt:"):
        for name in ["state", *names]:
            values = sorted(frame[name].dropna().unique(), key=lambda one: (str(type(one)), one))
            if 1 < len(values) <= 30:
                kept = st.pills(name, values, selection_mode="multi", key=f"study-filter-{name}")
                if kept:
                    frame = frame[frame[name].isin(kept)]
            elif len(values) > 30 and pd.api.types.is_numeric_dtype(frame[name]):
                low, high = float(min(values)), float(max(values))
                ends = st.slider(name, low, high, (low, high), key=f"study-filter-{name}")
                frame = frame[frame[name].between(*ends)]
    return frame.reset_index(drop=True)


def table(frame: pd.DataFrame, found: stored.Row) -> list[int]:
    """Draw the table; returns the numbers of the rows that are chosen in it."""
    base = next((o for o in found["ranking"] if o["trial"] == found["baseline"]), None)
    shown = frame.copy()
    if base is not None:
        place = list(shown.columns).index("objective") + 1
        shown.insert(place, "lead", shown["objective"] - float(base["objective"]))
    same = [c for c in ("state",) if shown[c].nunique() <= 1]
    figures = [key for key in found["figures"] if shown[key].notna().any()]
    own = str(found["objective"])  # it stands there already
    figures = [key for key in figures if found["figures"][key]["title"] != own]
    figures = [key for key in figures if shown[key].nunique() > 1]
    hidden = [*same, *(key for key in found["figures"] if key not in figures)]
    selected: Any = st.dataframe(
        shown.drop(columns=hidden),
        hide_index=True,
        placeholder="-",
        key=f"{TABLE}-{found['name']}",
        alt="Configurations, the best first",
        on_select="rerun",
        selection_mode="multi-row",
        height=min(390, 40 + 35 * len(shown)),
        column_config=_columns(found, figures),
    )
    chosen = [int(shown["trial"].iloc[place]) for place in selected.selection.rows]
    return chosen[:MOST_CHOSEN]


def ranking(frame: pd.DataFrame, found: stored.Row, _: list[int]) -> None:
    """The best as dots with intervals, beside what learns nothing."""
    names = differing(found["spec"]["axes"])
    by_number = {int(one["trial"]): one for one in found["ranking"]}
    rows = frame.head(charts.MOST_RANKED)
    rows = rows.assign(label=[reads.brief(by_number[int(n)], names) for n in rows["trial"]])
    best = rows.iloc[0]
    lines = ", ".join(f"{name} {value:,.4g}" for name, value in found["references"].items())
    st.caption("trial: " + " / ".join(names))
    told = reads.label(by_number[int(best["trial"])], names)
    says = f"Best: {told} with {best['objective']:,.4g}; for reference {lines}."
    drawn = charts.ranked(rows, found["references"], str(found["objective"]), shell.stored_theme())
    chart(drawn, "study-ranking", says)
    if len(frame) > charts.MOST_RANKED:
        st.caption(f"The best {charts.MOST_RANKED} of {len(frame):,}; the table shows all.")


def _columns(found: stored.Row, figures: list[str]) -> dict[str, Any]:
    number = st.column_config.NumberColumn
    made: dict[str, Any] = {
        "trial": number("Trial", width=55, pinned=True),
        "objective": number(
            str(found["objective"]), format="%.4g", width=85, help="Interquartile mean"
        ),
        "lead": number("Lead over baseline", format="%+.4g"),
        "low": number("From", format="%.4g", width=60, help="95 % interval over seeds"),
        "high": number("To", format="%.4g", width=60, help="95 % interval over seeds"),
        "improvement": number(
            "Beats best",
            format="percent",
            width=70,
            help="How probably a run of it beats a run of the best, on the same seeds",
        ),
        "seeds": number("Runs", width=50, help="Finished runs"),
    }
    for name in differing(found["spec"]["axes"]):
        made[name] = st.column_config.Column(name, width=75)
    for key in figures:
        share = found["figures"][key]["form"].endswith("%")
        title = str(found["figures"][key]["title"])
        made[key] = number(title, format="percent" if share else "%.4g")
    return made
