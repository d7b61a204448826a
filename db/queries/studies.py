"""What is known of studies; every query is bounded."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import func, select

from db.queries.run import Readable, Rows, first, rows
from db.tables import study_plans as study
from db.tables import study_runs as run
from db.tables import study_trials as trial

MOST_TRIALS = 1000
MOST_CURVES = 20
MOST_STATES = 20
MOST_RUNS = 10_000


def all_studies(store: Readable, limit: int = 100) -> Rows:
    """The newest studies, newest first."""
    return rows(store, select(study).order_by(study.c.created_at.desc()).limit(limit))


def one(store: Readable, name: str) -> dict[str, object] | None:
    """A study's row; None if there is none of that name."""
    return first(store, select(study).where(study.c.name == name))


def states(store: Readable, name: str) -> Rows:
    """State -> how many trials, their wanted and finished runs, and the newest heartbeat."""
    counted = select(
        trial.c.state,
        func.count().label("trials"),
        func.sum(trial.c.seeds).label("seeds"),
        func.sum(trial.c.runs).label("runs"),
        func.max(trial.c.beat_at).label("beat_at"),
    )
    found = counted.where(trial.c.study == name).group_by(trial.c.state)
    return rows(store, found.limit(MOST_STATES))


def trials(store: Readable, name: str, limit: int = MOST_TRIALS) -> Rows:
    """Trials in order of their number."""
    found = select(trial).where(trial.c.study == name).order_by(trial.c.trial)
    return rows(store, found.limit(limit))


def best(store: Readable, name: str, limit: int, *, falling: bool = True) -> Rows:
    """Trials with an objective, the greatest first (or the least)."""
    order = trial.c.objective.desc() if falling else trial.c.objective
    found = select(trial).where(trial.c.study == name, trial.c.objective.is_not(None))
    return rows(store, found.order_by(order, trial.c.trial).limit(limit))


def reasons(store: Readable, name: str, limit: int) -> Rows:
    """Trial, state and reason of those that failed or were given up."""
    columns = (trial.c.trial, trial.c.state, trial.c.reason)
    found = select(*columns).where(trial.c.study == name, trial.c.reason != "")
    return rows(store, found.order_by(trial.c.trial).limit(limit))


def objectives(store: Readable, name: str, numbers: Sequence[int]) -> Rows:
    """Trial, seed, objective and seconds of the runs of some trials."""
    found = select(run.c.trial, run.c.seed, run.c.objective, run.c.seconds).where(
        run.c.study == name, run.c.trial.in_(numbers)
    )
    return rows(store, found.order_by(run.c.trial, run.c.seed).limit(MOST_RUNS))


def all_objectives(store: Readable, name: str, limit: int = MOST_RUNS) -> Rows:
    """Trial, seed, objective, figures and seconds of all runs."""
    columns = (run.c.trial, run.c.seed, run.c.objective, run.c.figures, run.c.seconds)
    found = select(*columns).where(run.c.study == name)
    return rows(store, found.order_by(run.c.trial, run.c.seed).limit(limit))


def curves(store: Readable, name: str, numbers: Sequence[int]) -> Rows:
    """Trial, seed and curve of the runs of at most MOST_CURVES trials."""
    wanted = list(numbers)[:MOST_CURVES]
    found = select(run.c.trial, run.c.seed, run.c.curve).where(
        run.c.study == name, run.c.trial.in_(wanted)
    )
    return rows(store, found.order_by(run.c.trial, run.c.seed).limit(2000))


def run_seconds(store: Readable, name: str) -> tuple[int, float]:
    """How many runs are finished, and how long one took on average."""
    counted = select(func.count().label("runs"), func.avg(run.c.seconds).label("seconds"))
    found = first(store, counted.where(run.c.study == name)) or {}
    return int(found.get("runs") or 0), float(found.get("seconds") or 0.0)


def figures(store: Readable, name: str, number: int) -> Rows:
    """Seed and figures of a trial's runs."""
    found = select(run.c.seed, run.c.figures).where(run.c.study == name, run.c.trial == number)
    return rows(store, found.order_by(run.c.seed).limit(1000))
