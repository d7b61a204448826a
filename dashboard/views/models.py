"""Models: which policy is best, why does it decide so, and where does it go?"""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from dashboard import stored
from dashboard.parts import (
    jobs,
    models_actions,
    models_evaluation,
    models_facts,
    models_steps,
    models_table,
    shell,
    standstill,
)
from dashboard.parts.states import empty

TABS: dict[str, Callable[[stored.Row], None]] = {
    "Evaluation": models_evaluation.shown,
    "Step by step": models_steps.shown,
    "How it learned": models_facts.curves,
    "Facts": models_facts.facts,
    "Compare with": models_facts.comparison,
}


def page_live() -> None:
    """How the jobs stand; what they found is drawn once, outside."""
    shell.follow(jobs.alive(models_actions.KINDS))
    jobs.lately(models_actions.KINDS)


standstill.no_engine()
chosen = models_table.choose()
if chosen is None:
    empty(
        "No model yet. Start a training on **Trainer**; what it learns is kept here, judged beside "
        "every classic policy.",
        icon="deployed_code",
        height=120,
    )
    st.page_link("views/trainer.py", label="Open Trainer", icon=":material/model_training:")
    shell.live(page_live)
else:
    models_actions.buttons(chosen)
    models_actions.exported(chosen)
    shell.live(page_live)
    tabs = st.tabs(list(TABS), key="model-tab", on_change="rerun", bind="query-params")
    for tab, draw in zip(tabs, TABS.values(), strict=True):
        if tab.open:
            with tab:
                draw(chosen)
