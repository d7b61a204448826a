"""Trainer trials: one training a run, scored on the validation part alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine

from engine.actions import studies
from engine.actions.study_results import study
from engine.errors import EngineError
from engine.settings import Settings
from engine.study import trainer_kind
from engine.study.base import Stopped
from engine.study.trainer_kind import TrainerKind
from engine.traces.trace import save
from tests.engine.study.recorded import settings_of
from tests.engine.training import generated

SMALL = {
    "name": "t",
    "kind": "trainer",
    "vary": {"learning_rate": [0.001, 0.01]},
    "fixed": {
        "algorithm": "dqn",
        "cache_size": "5%",
        "timesteps": 3000,
        "slots": 16,
        "learning_starts": 500,
    },
    "seeds": 1,
    "options": {"trace": "made"},
}


@pytest.fixture
def settings(sqlite_store: Engine, tmp_path: Path) -> Settings:
    save(generated.trace(name="made"), tmp_path / "traces" / "made")
    return settings_of(sqlite_store, tmp_path)


def test_a_training_is_a_run_beside_the_classics(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trainer_kind, "REFERENCES", ("lru", "sieve"))
    studies.create_study(SMALL, "test", settings)
    assert studies.run_study("t", settings) == 2
    found = study("t", 5, settings)
    assert found["standing"]["state"] == "done", found["failed"]
    assert found["objective"] == "Value ratio on validation"
    assert all(0 < one["objective"] < 1 for one in found["ranking"])
    assert {"LRU", "SIEVE"} <= set(found["references"])
    assert 0 < found["ranking"][0]["figures"]["steps"] <= 3000


def test_equal_seeds_train_equal_policies_and_a_run_ends_when_told(
    settings: Settings, sqlite_store: Engine
) -> None:
    from engine.study.plan import planned, wanted_of

    plan = planned(wanted_of(SMALL), settings, sqlite_store)
    kind = TrainerKind(settings, sqlite_store)
    first, again = (kind.run(plan, {"learning_rate": 0.01}, 1, lambda: False) for _ in range(2))
    assert first.objective == again.objective
    assert first.curve == again.curve
    with pytest.raises(Stopped):
        kind.run(plan, {"learning_rate": 0.01}, 1, lambda: True)


def test_what_is_trained_for_is_varied_and_what_is_judged_by_stays(
    settings: Settings, sqlite_store: Engine
) -> None:
    from engine.study.plan import planned, wanted_of

    varied = SMALL | {"vary": {"objective": ["hits", "cost"]}}
    plan, plain = (planned(wanted_of(one), settings, sqlite_store) for one in (varied, SMALL))
    kind = TrainerKind(settings, sqlite_store)
    # Costs are measured here, so they are what a hit is worth unless said otherwise.
    for objective, is_own in (("cost", True), ("hits", False)):
        judged, own = (
            kind.run(study, {"objective": objective}, 0, lambda: False).objective
            for study in (plan, plain)
        )
        assert (judged == pytest.approx(own, abs=1e-6)) == is_own


def test_where_the_size_varies_no_line_of_a_classic_is_drawn(
    settings: Settings, sqlite_store: Engine
) -> None:
    from engine.study.plan import planned, wanted_of

    given: Any = SMALL["fixed"]
    fixed = {name: value for name, value in given.items() if name != "cache_size"}
    sizes = SMALL | {"vary": {"cache_size": ["5%", "10%"]}, "fixed": fixed}
    plan = planned(wanted_of(sizes), settings, sqlite_store)
    assert TrainerKind(settings, sqlite_store).references(plan, lambda: False) == {}


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"options": {}}, "name one of: a trace"),
        ({"options": {"trace": "gone"}}, "gone"),
        ({"fixed": {"algorithm": "magic"}}, "algorithm is 'magic'"),
        ({"vary": {"dqn.gamma": [2]}}, "dqn.gamma is 2"),
        ({"vary": {"columns": ["", "nowhere"]}}, "has no column 'nowhere'"),
        ({"vary": {"cache_size": ["5%", "0%"]}, "fixed": {}}, "A cache of 0% holds nothing"),
        ({"vary": {"cache_size": ["5%", "big"]}, "fixed": {}}, "The cache size 'big' is neither"),
    ],
)
def test_a_trainer_study_that_makes_no_sense_is_refused(
    settings: Settings, change: dict[str, Any], told: str
) -> None:
    with pytest.raises(EngineError, match=told):
        studies.create_study({**SMALL, **change}, "test", settings)
