"""The jobs "train", "evaluate" and "renew": each in a process of its own, with one thread."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import msgspec
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from db.faults import StoreUnavailable
from db.tables import training_points
from db.writes import upsert
from engine.actions.evaluating import EvaluateWanted, evaluate_model
from engine.actions.renewing import RenewWanted, renew_model
from engine.actions.training import TrainWanted, train_models
from engine.errors import EvaluationCancelled, TrainingError
from engine.execution import executor_of
from engine.jobs import JobHandle
from engine.settings import load_settings
from engine.training.curves import Listener, Point

NICENESS = 15
"""Training waits for everything that serves."""

W = TypeVar("W", bound=msgspec.Struct)


class StoredCurves(Listener):
    """Writes points into the store; an outage ends no training, its points alone are lost."""

    def __init__(self, store: Engine, run: str) -> None:
        self._store, self._run = store, run

    def point(self, point: Point) -> None:
        """Keep a point; that of the same step again replaces it."""
        row = {"run": self._run, **msgspec.structs.asdict(point)}
        try:
            upsert(self._store, training_points, [row])
        except (SQLAlchemyError, StoreUnavailable) as error:
            logging.getLogger(__name__).warning("a point could not be written: %s", error)


class JobListener(StoredCurves):
    """A job's handle as a training's listener."""

    def __init__(self, job: JobHandle) -> None:
        super().__init__(job.store, job.id)
        self._job = job

    @property
    def cancelled(self) -> bool:
        """Whether a person asked to end, or the engine ends."""
        return self._job.cancelled

    @property
    def interrupted(self) -> bool:
        """Whether the engine ends: the training then goes on at its next start."""
        return self._job.cancelled and not self._job.by_request

    def progress(self, fraction: float, message: str) -> None:
        """Hand on."""
        self._job.progress(fraction, message)


def train_job(params: Mapping[str, Any], job: JobHandle) -> dict[str, Any] | None:
    """Train; `params` are those of `TrainWanted`. Started again, it goes on where it stood.

    Raises:
        TrainingError: a parameter is unknown or of the wrong kind, or as `train_models`.
    """
    return _computed(train_models, _converted(params, TrainWanted, "training"), job, job.id)


def evaluate_job(params: Mapping[str, Any], job: JobHandle) -> dict[str, Any] | None:
    """Judge a model; `params` are those of `EvaluateWanted`. Cancelled, it finds nothing.

    Raises:
        TrainingError: a parameter is unknown or of the wrong kind, or as `evaluate_model`.
    """
    return _computed(evaluate_model, _converted(params, EvaluateWanted, "evaluation"), job)


def renew_job(params: Mapping[str, Any], job: JobHandle) -> dict[str, Any] | None:
    """Train a model anew; `params` are those of `RenewWanted`. Cancelled, nothing moves.

    Raises:
        TrainingError: a parameter is unknown or of the wrong kind, or as `renew_model`.
    """
    return _computed(renew_model, _converted(params, RenewWanted, "renewal"), job, job.id)


def _computed(
    act: Callable[..., dict[str, Any] | None], wanted: msgspec.Struct, job: JobHandle, *more: str
) -> dict[str, Any] | None:
    """Carry out a job's action where the settings say; None where its judging was cancelled."""
    os.nice(NICENESS)
    settings, who = load_settings(), f"job-{job.id[:8]}"
    with executor_of(settings) as executor:
        try:
            return act(wanted, who, settings, JobListener(job), *more, executor)
        except EvaluationCancelled:
            return None


def _converted(params: Mapping[str, Any], kind: type[W], what: str) -> W:
    try:
        return msgspec.convert(dict(params), kind)
    except msgspec.ValidationError as error:
        raise TrainingError(f"This {what} cannot be asked for: {error}.") from None
