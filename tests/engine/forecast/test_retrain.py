"""When the forecaster trains again."""

from __future__ import annotations

import pytest
from sqlalchemy import Engine

from db import writes
from engine import actions
from engine.forecast.backtest import least_intervals
from engine.forecast.retrain import Retraining
from engine.forecast.tuning import config_of
from engine.settings import load_settings
from engine.tunables import Tuned

NOW = 1_763_000_000.0
PAUSE_S = Tuned().number("forecast.retrain_s")


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The kinds of jobs that were started instead of running them."""
    kinds: list[str] = []

    def start(kind: str, *_rest: object) -> str:
        kinds.append(kind)
        return f"job-{len(kinds)}"

    monkeypatch.setattr(actions, "start_job", start)
    return kinds


def past_training(store: Engine, state: str) -> None:
    job = writes.create_job(store, "retrain", {}, "forecaster")
    writes.update_job(store, job, state=state, created_at=NOW - 10)


def consider(store: Engine, now: float) -> None:
    Retraining(load_settings(), store).consider(Tuned(), 1000, now)


def test_the_first_training_begins_as_soon_as_there_are_rows_enough(
    sqlite_store: Engine, started: list[str]
) -> None:
    retraining = Retraining(load_settings(), sqlite_store)
    least = least_intervals(config_of(Tuned()))
    retraining.consider(Tuned(), least - 1, NOW)
    assert started == []
    retraining.consider(Tuned(), least, NOW)
    assert started == ["retrain"]


@pytest.mark.parametrize(("state", "later"), [("done", 1), ("running", 0), ("queued", 0)])
def test_a_restarted_service_keeps_the_pause_and_waits_for_a_running_training(
    sqlite_store: Engine, started: list[str], state: str, later: int
) -> None:
    past_training(sqlite_store, state)
    consider(sqlite_store, NOW)
    assert started == []
    consider(sqlite_store, NOW + PAUSE_S)
    assert len(started) == later


def test_a_training_that_was_cut_off_is_begun_again(
    sqlite_store: Engine, started: list[str]
) -> None:
    past_training(sqlite_store, "interrupted")
    consider(sqlite_store, NOW)
    assert started == ["retrain"]
