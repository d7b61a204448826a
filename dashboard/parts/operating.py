"""Widgets that change something: a viewer sees them, cannot use them, and reads why.

That they are locked is a courtesy; `dashboard.client.ask` is where a viewer is refused.
"""

from __future__ import annotations

from typing import Any

import streamlit as st

from dashboard import visitors


def button(label: str, *, disabled: bool = False, help: str | None = None, **more: Any) -> bool:  # noqa: A002, ANN401 - as st.button
    """`st.button` for those who may press it."""
    lock = locked()
    return bool(st.button(label, **more, **(lock or {"disabled": disabled, "help": help})))


def locked() -> dict[str, Any]:
    """What a widget is given so that a viewer cannot use it; empty for an operator."""
    why_not = visitors.current().why_not
    return {"disabled": True, "help": why_not} if why_not else {}
