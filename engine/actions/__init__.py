"""What a person can do with the engine; command line, API and dashboard call the same functions.

Everything that changes something notes who did it in the table `audit`.
"""

from __future__ import annotations

from engine.actions.engine import down, ensure_engine, release_engine, up, up_detached
from engine.actions.job_rows import cancel_job, job, jobs, start_job
from engine.actions.logs import log_names, tail_log
from engine.actions.queue import queue_status
from engine.actions.services import (
    events,
    restart_service,
    start_all,
    start_service,
    status,
    stop_all,
    stop_service,
)
from engine.actions.tuning import parse_value, set_tunable, tunables

__all__ = [
    "cancel_job",
    "down",
    "ensure_engine",
    "events",
    "job",
    "jobs",
    "log_names",
    "parse_value",
    "queue_status",
    "release_engine",
    "restart_service",
    "set_tunable",
    "start_all",
    "start_job",
    "start_service",
    "status",
    "stop_all",
    "stop_service",
    "tail_log",
    "tunables",
    "up",
    "up_detached",
]
