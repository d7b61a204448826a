"""Traffic & data: what is requested, what it costs, and what is recorded."""

from __future__ import annotations

import time
from functools import partial

import pandas as pd
import streamlit as st

from dashboard import data
from dashboard.charts import endpoints, series
from dashboard.charts.palette import colours
from dashboard.charts.panel import Panel
from dashboard.parts import exporting, jobs, recorded_columns, shell, standstill, traffic_jobs
from dashboard.parts.drawing import chart, timeline
from dashboard.parts.states import empty, no_source

TOP = 5
MOST = 10


def table(source: data.SourceRow) -> pd.DataFrame:
    """Per endpoint over the window: rates, hit ratio, load times."""
    window, width = shell.window_s(), shell.width_s(per_endpoint=True)
    frame = data.traffic(source.id, window, width, total_only=False)
    if frame.empty:
        return pd.DataFrame()
    sums = series.endpoint_table(frame, time.time() - shell.span().start)
    times = endpoints.percentile_table(data.histograms(source.id, window, width))
    return sums.merge(times, on="endpoint", how="left")


def charts(source: data.SourceRow, shown: pd.DataFrame) -> None:
    """Hit ratio over time of the busiest endpoints, and load times of all."""
    theme, width = shell.theme(), shell.width_s(per_endpoint=True)
    frame = data.traffic(source.id, shell.window_s(), width, total_only=False)
    busiest = shown["endpoint"].head(TOP).tolist()
    left, right = shell.pair()
    with left:
        st.markdown(f"**Hit ratio** · the {len(busiest)} busiest endpoints, mean of 10 s")
        parts = [
            series.share(frame[frame["cache_name"] == name], width, "hits", "requests", name)
            for name in busiest
        ]
        panel = Panel(
            "Hit ratio (%)", colours(busiest, theme), ".1%", ".0%", endpoints.HEIGHT, theme=theme
        )
        lines = pd.concat(parts, ignore_index=True) if parts else series.empty()
        timeline(
            "traffic-ratio",
            lines,
            panel,
            waiting="Waiting for requests.",
            top=1.0,
            events=data.events(shell.window_s()),
        )
    with right:
        st.markdown("**Load time** · median, p95 and p99 of the busiest endpoints, hits included")
        known = shown.dropna(subset=["p50", "p99"]).head(MOST)
        if known.empty:
            empty("No load time in this window.")
        else:
            slow = known.sort_values("p99").iloc[-1]
            says = f"Slowest endpoint {slow['endpoint']}: p99 {slow['p99']:.0f} ms."
            chart(endpoints.percentile_plot(known, theme), "traffic-load", says)


def page_live(source: data.SourceRow) -> None:
    """Everything that moves."""
    shell.follow(jobs.alive(traffic_jobs.KINDS))
    traffic_jobs.progress()
    shown = table(source)
    if shown.empty:
        empty(
            "No requests in this window. **Send requests** above sends some to an API of yours "
            "or the sample's; **Start all** on the Overview starts the sample."
        )
        return
    charts(source, shown)
    st.markdown(
        "**Endpoints** · this window; a stale hit gave a result that had changed at the origin"
    )
    numbers = {
        "requests_per_s": ("Requests (1/s)", "%.2f"),
        "p50": ("Median (ms)", "%.1f"),
        "p95": ("p95 (ms)", "%.1f"),
        "p99": ("p99 (ms)", "%.1f"),
        "hit_ms": ("Mean hit (ms)", "%.2f"),
        "miss_ms": ("Mean miss (ms)", "%.1f"),
        "saved_ms_per_request": ("Saved (ms/request)", "%.1f"),
        "stale_percent": ("Stale hits", "%.0f %%"),
    }
    st.dataframe(
        shown.assign(
            hit_percent=100 * shown["hit_ratio"], stale_percent=100 * shown["stale_share"]
        )[["endpoint", "hit_percent", *numbers]],
        hide_index=True,
        key="traffic-endpoints",
        alt="Rates, hit ratio and load times per endpoint",
        placeholder="-",
        column_config={
            "endpoint": st.column_config.TextColumn("Endpoint"),
            "hit_percent": st.column_config.ProgressColumn(
                "Hit ratio", format="%.0f %%", min_value=0, max_value=100
            ),
            **{
                name: st.column_config.NumberColumn(label, format=form)
                for name, (label, form) in numbers.items()
            },
        },
    )


standstill.notice()
found = data.active_source()
traffic_jobs.forms(found)
if found is None:
    shell.live(traffic_jobs.progress)
    no_source()
    recorded_columns.recorded(None)
else:
    shell.live(page_live, found)
    exporting.downloads("endpoints", partial(table, found))
    recorded_columns.recorded(found)
