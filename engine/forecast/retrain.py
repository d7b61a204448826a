"""When to train again: as a job of its own, so that the service goes on beating."""

from __future__ import annotations

import logging

from sqlalchemy import Engine

from db.queries import system
from engine import actions
from engine.errors import EngineError
from engine.forecast.backtest import least_intervals
from engine.forecast.base import Config
from engine.forecast.tuning import config_of
from engine.settings import Settings
from engine.tunables import Tuned

_log = logging.getLogger(__name__)

_PAUSE_AFTER_FAILURE_S = 30.0
_OVER = frozenset({"done", "failed", "cancelled", "interrupted"})


class Retraining:
    """Starts the job `retrain` every so often, one at a time, once there are enough rows."""

    def __init__(self, settings: Settings, store: Engine) -> None:
        self._settings = settings
        self._store = store
        self._job = ""
        self._next = 0.0
        self._trained_with: Config | None = None

    def consider(self, tuned: Tuned, intervals: int, now: float) -> None:
        """Start a training if one is due; database errors pass through."""
        config = config_of(tuned)
        if intervals < least_intervals(config):
            return
        if self._trained_with is None:
            self._recall(config, tuned.number("forecast.retrain_s"))
        due = now >= self._next or config != self._trained_with
        if not due or self._is_running():
            return
        try:
            self._job = actions.start_job("retrain", {}, "forecaster", self._settings)
        except EngineError as error:
            _log.info("No training now: %s", error)
            self._next = now + _PAUSE_AFTER_FAILURE_S
        else:
            self._next = now + tuned.number("forecast.retrain_s")
        self._trained_with = config

    def _recall(self, config: Config, pause_s: float) -> None:
        """Go on from the newest training: a restart of this service is no reason to train again."""
        newest = next((job for job in system.jobs(self._store) if job["kind"] == "retrain"), None)
        if newest is not None and newest["state"] in {"queued", "running", "done"}:
            self._job = newest["id"]
            self._next = newest["created_at"] + pause_s
            self._trained_with = config

    def _is_running(self) -> bool:
        job = system.job(self._store, self._job) if self._job else None
        return job is not None and job["state"] not in _OVER
