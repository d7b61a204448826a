"""The records that travel between processes, frozen, each with its units.

Wall times are seconds since the epoch (UTC); names in `_ms` are milliseconds, in `_bytes` bytes.
"""

from __future__ import annotations

from enum import StrEnum

import msgspec

OTHER = "(other)"
"""The pooled endpoint: everything beyond the endpoints that are forecast one by one."""

TOTAL = "*"
"""The name under which a rollup keeps the sum over all endpoints."""


class Request(msgspec.Struct, frozen=True):
    """One recorded request, as a row of a source tells it."""

    timestamp: float
    cache_name: str
    cache_key: str
    hit: bool
    load_time_ms: float
    size_bytes: int
    stale: bool | None = None
    writer: str = ""
    sequence: int = 0


class Prediction(msgspec.Struct, frozen=True):
    """What the forecaster expects of one endpoint; the message on the queue.

    `demand`, `demand_low` and `demand_high` are requests per interval, `load_time_ms` is the
    expected load time of a miss; each has one value per interval of the horizon. The first
    interval is [valid_from, valid_until).
    """

    id: str
    at: float
    source: int
    cache_name: str
    interval_s: float
    valid_from: float
    valid_until: float
    demand: tuple[float, ...]
    demand_low: tuple[float, ...]
    demand_high: tuple[float, ...]
    load_time_ms: tuple[float, ...]
    forecaster: str


class Action(StrEnum):
    """What the cache does with an endpoint's results during one interval."""

    DROP = "drop"
    """Do not keep, and drop what is held."""
    KEEP_SHORT = "keep_short"
    KEEP_LONG = "keep_long"
    KEEP_REFRESH = "keep_refresh"
    """Keep, and load again shortly before an entry expires."""


class Decision(msgspec.Struct, frozen=True):
    """What the agent decided for one endpoint and one interval, and why."""

    prediction_id: str
    at: float
    source: int
    cache_name: str
    action: Action
    ttl_seconds: float
    refresh_ahead: bool
    valid_from: float
    valid_until: float
    state: str
    q_values: tuple[float, ...]
    explored: bool
    reason: str


class Mode(StrEnum):
    """Whether decisions steer a cache or are only judged in shadow."""

    ADVISE = "advise"
    CONTROL = "control"


class Costs(StrEnum):
    """Where a source's load times come from."""

    MEASURED = "measured"
    MODELLED = "modelled"


class ServiceState(StrEnum):
    """The states of a service that a person reads."""

    STARTING = "starting"
    RUNNING = "running"
    DEGRADED = "degraded"
    STANDBY = "standby"
    STOPPED = "stopped"
    FAILED = "failed"


class JobState(StrEnum):
    """The fates of a job."""

    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"
    INTERRUPTED = "interrupted"
