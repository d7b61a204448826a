"""What is understood of recorded requests before they are imported."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
import streamlit as st

from dashboard.parts.services import cell

CATEGORIES_SHOWN = 5


def shown(look: Mapping[str, Any]) -> None:
    """Columns, endpoint names and what could not be read, as `engine.traces.preview` tells it."""
    share = "all" if look["is_all"] else "the first"
    costs = {"measured": "measured", "modelled": "modelled, not measured", "none": "not recorded"}
    st.markdown(
        f"**{cell(look['origin'])}** · {share} {look['requests']:,} requests for "
        f"{look['distinct']:,} keys · load times {costs[look['costs']]}"
    )
    for note in look["notes"]:
        st.caption(note)
    _faults(look)
    left, right = st.columns(2)
    with left:
        st.markdown("**Columns**")
        st.dataframe(
            column_table(look["columns"], look["roles"]),
            hide_index=True,
            key="preview-columns",
            alt="Columns with kind, range, share of nulls and an example",
            column_config=COLUMN_LABELS,
        )
    with right:
        st.markdown("**Endpoints** · the part of a key that stays when its values go")
        endpoints = pd.DataFrame(look["endpoints"], columns=["Key", "Endpoint"])
        st.dataframe(
            endpoints[["Endpoint", "Key"]],
            hide_index=True,
            key="preview-endpoints",
            alt="Endpoint names and a key of each",
        )


def _faults(look: Mapping[str, Any]) -> None:
    if not look["malformed"]:
        return
    st.warning(
        f"{look['malformed']:,} malformed lines are left out; the first of them:",
        icon=":material/report:",
    )
    faults = [(f["line"], f["why"], f["text"]) for f in look["faults"]]
    st.dataframe(
        pd.DataFrame(faults, columns=["Line", "Why", "Text"]),
        hide_index=True,
        key="preview-faults",
        alt="The first malformed lines and why they are left out",
    )


COLUMN_LABELS: dict[str, Any] = {
    "name": "Column",
    "theirs": "Recorded as",
    "kind": "Kind",
    "range": "Range",
    "nulls": st.column_config.NumberColumn("Nulls", format="percent"),
    "example": "Example",
    "recorded": st.column_config.CheckboxColumn(
        "Tells of the recording cache", help="In a simulation it would leak the answer"
    ),
}


def column_table(
    columns: Sequence[Mapping[str, Any]], roles: Mapping[str, str] | None = None
) -> pd.DataFrame:
    """Name, kind, range, share of nulls, example, and whether it tells of the recording cache."""
    rows = [
        {
            "name": one["name"],
            **({"theirs": roles.get(str(one["name"]), "")} if roles is not None else {}),
            "kind": one["kind"],
            "range": range_of(one),
            "nulls": float(one["nulls"]),
            "example": one["example"],
            "recorded": bool(one["recorded"]),
        }
        for one in columns
    ]
    return pd.DataFrame(rows)


def range_of(column: Mapping[str, Any]) -> str:
    """The values of a column in a few words."""
    if column["categories"]:
        names = column["categories"]
        more = f" … {len(names):,} in all" if len(names) > CATEGORIES_SHOWN else ""
        return ", ".join(map(str, names[:CATEGORIES_SHOWN])) + more
    if column["low"] is None:
        return ""
    if column["kind"] == "boolean":
        return "no, yes"
    if column["kind"] == "time":
        return f"{(column['high'] - column['low']) / 3600:,.1f} h"
    return f"{column['low']:,.6g} to {column['high']:,.6g}"
