"""Cached, bounded reads for the pages.

Each read lives a little shorter than the fastest refresh, so that any number of viewers cost one
query and nobody sees old figures. Settings and the store are opened once a process.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import pandas as pd
import streamlit as st
from sqlalchemy import Engine

from dashboard import client
from dashboard.charts import incidents, series
from dashboard.charts.palette import POLICY_NAMES
from db.queries import pages, pages_learning
from db.session import open_store
from engine.services import SERVICES
from engine.settings import Settings, load_settings
from engine.sources import OWN, SAMPLE

FRESH_S = 0.8
SLOW_S = 8.0
QUEUE = "predictions"


@dataclass(frozen=True, slots=True)
class SourceRow:
    """A source of request rows, as the store knows it."""

    id: int
    name: str
    kind: str
    costs: str
    watermark: float | None

    @property
    def is_own(self) -> bool:
        """Whether these are a user's own rows."""
        return self.name != SAMPLE


@st.cache_resource(show_spinner=False)
def settings() -> Settings:
    """The deployment settings of this process."""
    return load_settings()


@st.cache_resource(show_spinner=False)
def store() -> Engine:
    """Connections to our own store."""
    return open_store(settings().database_url)


@st.cache_data(ttl=SLOW_S / 4, show_spinner=False, max_entries=4)
def active_source() -> SourceRow | None:
    """The source that the engine follows; None before its first start."""
    wanted = OWN if settings().source_url or not settings().sample_enabled else SAMPLE
    found = pages.sources_frame(store())
    match = found[found["name"] == wanted]
    if match.empty:
        return None
    row = match.iloc[0]
    mark = row["watermark"]
    return SourceRow(
        int(row["id"]),
        str(row["name"]),
        str(row["kind"]),
        str(row["costs"]),
        None if pd.isna(mark) else float(mark),
    )


@st.cache_data(ttl=FRESH_S, show_spinner=False, max_entries=32)
def traffic(
    source: int,
    window_s: int,
    width: int,
    policies: Sequence[str] = ("recorded",),
    total_only: bool = True,
    endpoint: str = "",
) -> pd.DataFrame:
    """Rollups of the last `window_s` seconds: totals, one endpoint's, or every endpoint's."""
    return pages.traffic_frame(
        store(),
        source,
        time.time() - window_s - width,
        width,
        policies=policies,
        total_only=total_only,
        endpoint=endpoint,
    )


@st.cache_resource(ttl=FRESH_S, show_spinner=False, max_entries=32)
def by_policy(source: int, window_s: int, width: int, over: str, under: str) -> pd.DataFrame:
    """`over` divided by `under` for the recording and every shadow, as charts draw it.

    One frame for all viewers.
    """
    frame = traffic(source, window_s, width, tuple(POLICY_NAMES))
    return series.by_policy(frame, width, over, under)


@st.cache_data(ttl=FRESH_S, show_spinner=False, max_entries=16)
def recorded(source: int, window_s: int, width: int) -> pd.DataFrame:
    """The headline's figures of each bucket: at, rate (1/s), hit_ratio, saved_ms a request."""
    frame = traffic(source, window_s, width)
    rates = series.rate(frame, width, "requests", "requests")
    share = partial(series.share, frame, width, under="requests", series="measured")
    return rates[["at"]].assign(
        rate=rates["value"],
        hit_ratio=share(over="hits")["value"],
        saved_ms=share(over="saved_ms")["value"],
    )


@st.cache_data(ttl=SLOW_S / 2, show_spinner=False, max_entries=16)
def histograms(source: int, window_s: int, width: int) -> pd.DataFrame:
    """Load-time histograms per endpoint."""
    since = time.time() - window_s
    return pages.endpoint_histograms_frame(store(), source, since, width)


@st.cache_data(ttl=FRESH_S, show_spinner=False, max_entries=16)
def queue(window_s: int) -> pd.DataFrame:
    """Seconds of the prediction queue's life."""
    return pages.queue_frame(store(), QUEUE, time.time() - window_s)


@st.cache_resource(ttl=FRESH_S, show_spinner=False, max_entries=16)
def events(window_s: int) -> pd.DataFrame:
    """What happened to the system, newest first; a fault and its recovery are one row.

    One frame for all viewers.
    """
    names = {service.name: service.title for service in SERVICES.values()}
    since = time.time() - window_s
    stored = pages.events_frame(store(), since)
    running = client.shown_engine()
    writer = str(running.facts.get("writer") or "") if running else ""
    if not writer:
        return incidents.told(stored, names)
    # The collector stores what the engine tells; while it is stopped only the engine knows.
    fresh = client.events_after(pages.newest_event(store(), writer))
    unseen = [{**event, "writer": writer} for event in fresh if float(event["at"]) >= since]
    return incidents.told(incidents.joined(stored, unseen), names)


@st.cache_data(ttl=FRESH_S, show_spinner=False, max_entries=8)
def first_at(window_s: int) -> float | None:
    """When the first figure inside the window was recorded; None while there is none."""
    source = active_source()
    return pages.first_at(store(), source.id if source else 0, QUEUE, time.time() - window_s)


@st.cache_data(ttl=FRESH_S, show_spinner=False, max_entries=16)
def jobs(kinds: Sequence[str] | None = None) -> pd.DataFrame:
    """The newest jobs, without what they found."""
    return pages.jobs_frame(store(), kinds)


@st.cache_data(ttl=FRESH_S, show_spinner=False, max_entries=4)
def tunables() -> pd.DataFrame:
    """Stored tunables with who and when."""
    return pages.tunables_frame(store())


@st.cache_data(ttl=FRESH_S, show_spinner=False, max_entries=4)
def leases() -> pd.DataFrame:
    """Who does which work on this store."""
    return pages.leases_frame(store())


@st.cache_data(ttl=FRESH_S, show_spinner=False, max_entries=4)
def audit() -> pd.DataFrame:
    """What people asked of the engine."""
    return pages.audit_frame(store())


@st.cache_data(ttl=SLOW_S / 2, show_spinner=False, max_entries=4)
def recorded_seconds(source: int) -> int:
    """Seconds with recorded requests of one source, as far as they are kept."""
    return pages.recorded_seconds(store(), source)


@st.cache_data(ttl=SLOW_S, show_spinner=False, max_entries=4)
def recorded_sources() -> pd.DataFrame:
    """Sources with request rows in our own store: id, name, costs, rows, first, last."""
    return pages.recorded_sources_frame(store())


@st.cache_data(ttl=SLOW_S, show_spinner=False, max_entries=4)
def newest_rows(source: int, limit: int = 500) -> pd.DataFrame:
    """The newest raw rows of one source."""
    return pages.newest_rows_frame(store(), source, limit)


@st.cache_data(ttl=FRESH_S, show_spinner=False, max_entries=32)
def predictions(source: int, cache_name: str, window_s: int) -> pd.DataFrame:
    """Forecasts of one endpoint."""
    since = time.time() - window_s
    return pages_learning.predictions_frame(store(), source, cache_name, since)


@st.cache_data(ttl=FRESH_S, show_spinner=False, max_entries=8)
def forecast_round(source: int) -> pd.DataFrame:
    """The newest predictions over all endpoints."""
    return pages_learning.round_frame(store(), source)


@st.cache_data(ttl=SLOW_S / 4, show_spinner=False, max_entries=8)
def scores(source: int) -> pd.DataFrame:
    """The newest judgements of the forecasters."""
    return pages_learning.scores_frame(store(), source)


@st.cache_data(ttl=FRESH_S, show_spinner=False, max_entries=16)
def decisions(source: int, window_s: int) -> pd.DataFrame:
    """The newest decisions, newest first."""
    return pages_learning.decisions_frame(store(), source, time.time() - window_s)


def all_decisions(source: int, window_s: int) -> pd.DataFrame:
    """Every decision of the window, for a download."""
    return pages_learning.decisions_frame(store(), source, time.time() - window_s, 200_000)


@st.cache_data(ttl=FRESH_S, show_spinner=False, max_entries=16)
def rounds(source: int, window_s: int) -> pd.DataFrame:
    """Decisions summed per interval and action, oldest first."""
    return pages_learning.rounds_frame(store(), source, time.time() - window_s)


@st.cache_data(ttl=SLOW_S / 4, show_spinner=False, max_entries=16)
def visits(source: int, window_s: int) -> pd.DataFrame:
    """How many decisions were made in each state."""
    return pages_learning.visits_frame(store(), source, time.time() - window_s)


@st.cache_data(ttl=FRESH_S, show_spinner=False, max_entries=16)
def rewards(source: int, window_s: int) -> pd.DataFrame:
    """Rewards summed per interval, oldest first."""
    return pages_learning.rewards_frame(store(), source, time.time() - window_s)


@st.cache_data(ttl=SLOW_S / 4, show_spinner=False, max_entries=8)
def checkpoints(source: int) -> pd.DataFrame:
    """What the agents have learned."""
    return pages_learning.checkpoints_frame(store(), source)
