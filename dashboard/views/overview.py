"""Overview: is the system alive, and does the cache save anything?"""

from __future__ import annotations

import streamlit as st

from dashboard import client, data
from dashboard.charts.palette import POLICY_NAMES, colours
from dashboard.charts.panel import Panel
from dashboard.parts import controls, headline, own_system, services, shell, standstill
from dashboard.parts.drawing import timeline
from dashboard.parts.states import empty, no_source

SHADOWED = list(POLICY_NAMES.values())


def trends(source: data.SourceRow) -> None:
    """Measured cache beside the policies replayed on the same requests, with events."""
    width, window, theme = shell.width_s(), shell.window_s(), shell.theme()
    events = data.events(window)
    shown = colours(SHADOWED, theme)
    left, right = shell.pair()
    waiting = (
        "No request of your own system yet; **Use my own system** below says what it takes."
        if source.is_own
        else "Waiting for the first requests. **Start all** below starts the sample."
    )
    with left:
        st.markdown("**Hit ratio** · over 10 s, measured beside replayed policies")
        panel = Panel("Hit ratio (%)", shown, ".1%", ".0%", dashed=tuple(SHADOWED[1:]), theme=theme)
        ratios = data.by_policy(source.id, window, width, "hits", "requests")
        timeline("overview-ratio", ratios, panel, waiting=waiting, events=events, top=1.0)
    with right:
        st.markdown("**Load time saved** · over 10 s, per request, the same requests")
        panel = Panel("Saved (ms/request)", shown, ",.1f", dashed=tuple(SHADOWED[1:]), theme=theme)
        saved = data.by_policy(source.id, window, width, "saved_ms", "requests")
        timeline("overview-saved", saved, panel, waiting=waiting, events=events)


def page_live() -> None:
    """Everything that moves."""
    shell.follow()
    source = data.active_source()
    engine = client.shown_engine()
    if source is None:
        no_source()
    else:
        headline.figures(source)
        trends(source)
    left, right = shell.pair()
    with left:
        st.markdown("**Services**")
        if engine is None:
            empty("No engine is running.", height=160, icon="power_off")
        else:
            services.table(engine)
            st.caption(services.owner_line(engine))
    with right:
        st.markdown("**Events** · what happened in this window, and when it was over")
        services.event_strip(data.events(shell.window_s()))


now = client.engine()
standstill.notice()
shell.live(page_live)
if now is not None:
    controls.controls(now)
own_system.panel()
