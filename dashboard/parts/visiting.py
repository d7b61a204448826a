"""Who looks, where it matters: a viewer's badge with the reason, and the way in and out."""

from __future__ import annotations

import streamlit as st

from dashboard import visitors
from engine.errors import EngineError


def shown() -> None:
    """A badge for whoever may only look, and where people log in, the button for it."""
    try:
        visitor = visitors.current()
    except EngineError:
        return  # the page says what is wrong with the settings
    if visitor.why_not:
        st.badge("viewer", icon=":material/visibility:", color="gray", help=visitor.why_not)
    if visitor.may_log_in:
        for provider in visitors.providers():
            label = f"Log in with {provider}" if provider else "Log in"
            st.button(
                label,
                icon=":material/login:",
                key=f"log-in-{provider or 'here'}",
                on_click=st.login,
                args=(provider,),
            )
    elif visitors.is_logged_in():
        st.button("Log out", icon=":material/logout:", key="log-out", on_click=st.logout)
