"""What is recorded of each request: columns, types, examples."""

from __future__ import annotations

import streamlit as st

from dashboard import data
from dashboard.charts import series
from dashboard.parts import exporting
from dashboard.parts.states import empty


def recorded(source: data.SourceRow) -> None:
    """Columns of the newest rows: name, type, example, share of nulls."""
    with st.expander("Recorded columns", icon=":material/view_column:"):
        settings = data.settings()
        if source.is_own and settings.source_url:
            st.markdown(
                f"Requests are read from your table **{settings.source_table}**; this page "
                "never reads it. Columns as they were told, ours = yours:"
            )
            st.code(settings.source_mapping or "the same names as ours", language=None)
            return
        rows = data.newest_rows(source.id)
        st.caption(f"From the newest {len(rows)} rows of `cache_metrics`, never more than 500.")
        if rows.empty:
            empty("No row yet.", height=120)
            return
        st.dataframe(
            series.column_table(rows),
            hide_index=True,
            key="traffic-columns",
            alt="Recorded columns with type, example and share of nulls",
            column_config={"nulls": st.column_config.NumberColumn(format="percent")},
        )
        exporting.downloads("newest-requests", lambda: data.newest_rows(source.id))
