"""What an evaluation says, size by size: plainly, also where a classic wins."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import streamlit as st

from dashboard.parts.services import cell


def verdicts(told: Mapping[str, Any]) -> None:
    """One box a size: green where the learned policy wins, red where a classic does."""
    found = told.get("verdicts") or []
    if not found:
        st.info(
            "Not judged on the test part yet; press **Evaluate** on Models.",
            icon=":material/gavel:",
        )
        return
    for verdict in found:
        sentence = cell(str(verdict["sentence"]))
        if verdict["lead_low"] > 0:
            st.success(sentence, icon=":material/trophy:")
        elif verdict["lead_high"] < 0:
            st.error(sentence, icon=":material/thumb_down:")
        else:
            st.warning(sentence, icon=":material/balance:")
    if told.get("remark"):
        st.warning(cell(str(told["remark"])), icon=":material/difference:")
    if told.get("costs") == "modelled":
        st.caption(f":orange[Load times are modelled.] {told['cost_model']}")
