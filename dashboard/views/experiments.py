"""Experiments: which configuration is better, and is that sure?"""

from __future__ import annotations

from collections.abc import Callable

import pandas as pd
import streamlit as st

from dashboard import stored
from dashboard.parts import (
    experiments_head,
    experiments_reads,
    experiments_table,
    experiments_tabs,
    jobs,
    shell,
    standstill,
)
from dashboard.parts.states import empty, faults_shown

KINDS = ["study", "train"]
Draw = Callable[[pd.DataFrame, stored.Row, list[int]], None]
TABS: dict[str, Draw] = {
    "Ranking": experiments_table.ranking,
    "Learning curves": experiments_tabs.curves,
    "Parallel coordinates": experiments_tabs.coordinates,
    "Importance": experiments_tabs.importance,
    "Map": experiments_tabs.heat,
    "Difference": experiments_tabs.difference,
    "Failed": experiments_tabs.troubles,
}


def page_live(name: str) -> None:
    """How jobs and study stand; the whole page follows when further runs are in."""
    told = next((one for one in experiments_reads.listed() if one["name"] == name), None)
    shell.follow((jobs.alive(KINDS), told and (told["runs"], told["state"])))
    jobs.lately(KINDS)
    if name:
        experiments_head.standing(name)


def results(name: str) -> None:
    """Everything that is known of one study."""
    found = experiments_reads.study(name)
    frame = experiments_reads.frame(found)
    if frame.empty:
        experiments_head.buttons(found, None)
        if found["failed"]:
            experiments_tabs.troubles(frame, found, [])
        else:
            empty("No run has finished yet; the first figures come with the first one.")
        return
    place = st.container()
    with st.container(horizontal=True, vertical_alignment="bottom"):
        experiments_table.pinned(found)
        shown = experiments_table.filtered(frame, found)
    chosen = experiments_table.table(shown, found)
    for said in found["sentences"]:
        st.markdown(f":material/balance: {said}")
    if found["undecided"]:
        with st.container(horizontal=True):
            for number, pair in enumerate(found["undecided"]):
                experiments_head.more_seeds(found, pair, f"told-{number}")
    if shown.empty:
        empty("No configuration is left: widen the filter.", icon="filter_alt_off", height=120)
    best = chosen[0] if chosen else int(frame["trial"].iloc[0])
    with place:
        experiments_head.buttons(found, best)
    tabs = st.tabs(list(TABS), key="study-tab", on_change="rerun", bind="query-params")
    for tab, draw in zip(tabs, TABS.values(), strict=True):
        if tab.open and not shown.empty:
            with tab:
                draw(shown, found, chosen)


standstill.no_engine()
chosen_study = experiments_head.choose()
shell.live(page_live, chosen_study or "")
if chosen_study is None:
    empty(
        "No study yet. **New study …** tries configurations of the agent or the trainer, each with "
        "several seeds, and says which one is better and how sure that is.",
        icon="science",
        height=120,
    )
else:
    with faults_shown():
        results(chosen_study)
