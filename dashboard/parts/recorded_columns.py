"""What is recorded of each request, by source: how many rows, columns, types, examples."""

from __future__ import annotations

from datetime import datetime
from functools import partial
from typing import Any

import streamlit as st

from dashboard import data
from dashboard.charts import series
from dashboard.parts import exporting, shell
from dashboard.parts.states import empty
from db.queries.pages import MOST_COUNTED

LABELS = {"column": "Column", "type": "Type", "example": "Example"}


def recorded(source: data.SourceRow | None) -> None:
    """Columns of a source's newest rows: name, type, example, share of nulls."""
    with st.expander("Recorded columns and newest rows, by source", icon=":material/view_column:"):
        _told_elsewhere(source)
        held = {int(row["id"]): row for row in data.recorded_sources().to_dict("records")}
        if not held:
            empty("No row yet.", height=120)
            return
        names = list(held)
        start = names.index(source.id) if source and source.id in held else 0
        chosen = st.selectbox(
            "Source",
            names,
            start,
            key="recorded-source",
            width=320,
            format_func=lambda one: f"{held[one]['name']} ({counted(held[one]['rows'])} rows)",
            help="The other pages show the source that the engine follows; a written history is "
            "the source seeded, which stands here and is exported from here",
        )
        _columns(held[int(chosen)])


def _told_elsewhere(source: data.SourceRow | None) -> None:
    settings = data.settings()
    if source is not None and source.is_own and settings.source_url:
        st.markdown(
            f"Requests are read from your table **{settings.source_table}**; this page "
            "never reads it. Columns as they were told, ours = yours:"
        )
        st.code(settings.source_mapping or "the same names as ours", language=None)


def counted(rows: int) -> str:
    """A count of rows; a plus where the counting stopped."""
    return f"{rows:,}" + ("+" if rows >= MOST_COUNTED else "")


def _columns(row: dict[Any, Any]) -> None:
    rows = data.newest_rows(int(row["id"]))
    first, last = (_moment(float(row[name])) for name in ("first", "last"))
    st.caption(
        f"{counted(row['rows'])} rows of the source **{row['name']}** from {first} to {last}, load "
        f"times {row['costs']}. Columns as in its newest {len(rows)} rows:"
    )
    st.dataframe(
        series.column_table(rows),
        hide_index=True,
        key="traffic-columns",
        alt="Recorded columns with type, example and share of nulls",
        column_config=LABELS | {"nulls": st.column_config.NumberColumn("Nulls", format="percent")},
    )
    newest = partial(data.newest_rows, int(row["id"]))
    exporting.downloads("newest-requests", newest, what=f"the newest rows of {row['name']}")


def _moment(at: float) -> str:
    return datetime.fromtimestamp(at, shell.zone()).strftime("%Y-%m-%d %H:%M")
