"""Which recorded columns a policy may look at, beside what it reckons of each key by itself."""

from __future__ import annotations

import streamlit as st

from dashboard import stored
from dashboard.parts import import_preview
from dashboard.parts.services import cell


def choice(trace: stored.Row) -> tuple[str, ...]:
    """The chosen columns; none by default, and those of the recording cache only with a warning."""
    columns = list(trace["columns"])
    if not columns:
        st.caption("These requests have no further columns; the features are reckoned from them.")
        return ()
    recorded = {str(one["name"]) for one in columns if one["recorded"]}
    usable = [str(one["name"]) for one in columns if one["nulls"] < 1.0]
    chosen = st.multiselect(
        "Further columns as features",
        sorted(usable, key=lambda name: name in recorded),
        key=f"train-columns-{trace['name']}",
        format_func=lambda name: f"{name} (recorded)" if name in recorded else name,
        placeholder="none: age, gaps, counts, size, cost and endpoint of each key are always there",
    )
    leaking = [name for name in chosen if name in recorded]
    if leaking:
        st.warning(
            f"{cell(', '.join(leaking))} describe the cache that recorded the requests: in a "
            "simulation of another cache they give the answer away.",
            icon=":material/warning:",
        )
    with st.expander(f"What was recorded: {len(columns)} columns", icon=":material/view_column:"):
        st.dataframe(
            import_preview.column_table(columns),
            hide_index=True,
            key="train-columns-table",
            alt="Recorded columns with kind, range, share of nulls and an example",
            column_config=import_preview.COLUMN_LABELS,
        )
    return tuple(str(name) for name in chosen)
