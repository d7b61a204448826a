"""Agent trials: the real queue, the real agent, recorded requests."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, update

from db.queries import studies as known
from db.queries import system
from db.session import writing
from db.study_rows import claim, update_study
from db.tables import cache_metrics
from engine.actions import studies
from engine.actions.study_export import exported
from engine.actions.study_results import comparison, study
from engine.actions.study_words import shown
from engine.errors import EngineError, StudyError
from engine.settings import Settings
from engine.study.agent_kind import AgentKind
from engine.study.base import Stopped
from engine.study.plan import planned, wanted_of
from engine.study.progress import standing
from engine.study.worker import Worker
from tests.engine.study.recorded import MINUTES, SOURCE, make, record, settings_of


@pytest.fixture
def settings(sqlite_store: Engine, tmp_path: Path) -> Settings:
    record(sqlite_store)
    return settings_of(sqlite_store, tmp_path)


@pytest.fixture
def kind(settings: Settings, sqlite_store: Engine) -> Iterator[AgentKind]:
    made = AgentKind(settings, sqlite_store)
    yield made
    made.close()


def asked(settings: Settings, store: Engine, **options: Any) -> Any:  # noqa: ANN401 - a Study
    fields = {
        "name": "s",
        "vary": {"learning_rate": [0.1]},
        "options": {"source": SOURCE, "minutes": MINUTES, **options},
    }
    return planned(wanted_of(fields), settings, store)


def test_equal_seeds_give_equal_runs_and_every_prediction_is_processed(
    settings: Settings, sqlite_store: Engine, kind: AgentKind
) -> None:
    plan = asked(settings, sqlite_store)
    first, again = (kind.run(plan, {"exploration": 0.3}, 1, lambda: False) for _ in range(2))
    other = kind.run(plan, {"exploration": 0.3}, 2, lambda: False)
    assert first.objective == again.objective
    assert first.curve == again.curve
    assert first.curve != other.curve
    # One a named endpoint for each interval but the first and the last one.
    assert first.figures["processed"] == 3 * (MINUTES * 60 / 5 - 2)
    assert first.figures["overwritten"] == 0
    assert 0 < first.figures["hit_ratio"] < 1
    lines = kind.references(plan, lambda: False)
    assert set(lines) == {"plain LRU", "always keep", "heuristic"}


def test_under_overload_the_queue_overwrites_and_nothing_gets_lost(
    settings: Settings, sqlite_store: Engine, kind: AgentKind
) -> None:
    plan = asked(settings, sqlite_store, pause_ms=0.0)
    found = kind.run(plan, {}, 0, lambda: False).figures
    total = 3 * (MINUTES * 60 / 5 - 2)
    assert found["processed"] + found["overwritten"] == total
    assert found["depth_max"] <= 100


def test_a_run_ends_soon_when_it_is_told_to(
    settings: Settings, sqlite_store: Engine, kind: AgentKind
) -> None:
    with pytest.raises(Stopped):
        kind.run(asked(settings, sqlite_store), {}, 0, lambda: True)


def test_a_recording_that_has_changed_is_refused(settings: Settings, sqlite_store: Engine) -> None:
    plan = asked(settings, sqlite_store)
    with writing(sqlite_store) as connection:
        connection.execute(update(cache_metrics).values(hit=False))
    with pytest.raises(StudyError, match="recorded rows of this study have changed"):
        AgentKind(settings, sqlite_store).run(plan, {}, 0, lambda: False)


def test_a_study_from_plan_to_the_live_agent(settings: Settings, sqlite_store: Engine) -> None:
    make(settings, seeds=2)
    assert studies.run_study("s", settings) == 4
    found = study("s", 10, settings)
    assert found["standing"]["state"] == "done"
    assert found["standing"]["runs"] == 8
    values = [one["objective"] for one in found["ranking"]]
    assert values == sorted(values, reverse=True)
    told = shown(found)
    assert "LEARNING_RATE" in told
    assert "not distinguishable with n = 2; add 5 seeds." in told
    best = found["ranking"][0]
    applied = studies.apply_trial("s", best["trial"], "test", settings)
    assert applied == {f"agent.{name}": value for name, value in best["config"].items()}
    assert system.tunables(sqlite_store)["agent.discount"] == best["config"]["discount"]
    for form, word in (("csv", "trial,seed,learning_rate"), ("json", '"runs"'), ("html", "<svg")):
        assert word in exported("s", form, settings)

    assert studies.add_seeds("s", 1, [0, 3], "test", settings) == 2
    studies.run_study("s", settings)
    assert [t["runs"] for t in known.trials(sqlite_store, "s")] == [3, 2, 2, 3]
    assert comparison("s", 0, 3, settings)["runs"] == 3
    differing = comparison("s", 0, 1, settings)["differences"]
    assert differing == [{"name": "discount", "first": 0.0, "second": 0.5}]


def test_stopped_workers_leave_their_trial_to_others(
    settings: Settings, sqlite_store: Engine
) -> None:
    make(settings)
    looks = iter([False] * 6)
    worker = Worker(settings, sqlite_store, "s", lambda: next(looks, True))
    worker.work()
    assert "running" not in {t["state"] for t in known.trials(sqlite_store, "s")}
    studies.stop_study("s", "test", settings)
    assert studies.run_study("s", settings) == 0
    studies.resume_study("s", "test", settings)
    studies.run_study("s", settings)
    assert [t["state"] for t in known.trials(sqlite_store, "s")] == ["done"] * 4


def test_a_failed_trial_tells_why_and_can_run_again(
    settings: Settings, sqlite_store: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    make(settings, vary={"discount": [0.0, 0.5]}, seeds=1)
    honest = AgentKind.run

    def fails(self: AgentKind, plan: Any, config: Any, seed: int, beat: Any) -> Any:  # noqa: ANN401
        if config["discount"] == 0.5:
            raise StudyError("The disk is full.")
        return honest(self, plan, config, seed, beat)

    monkeypatch.setattr(AgentKind, "run", fails)
    studies.run_study("s", settings)
    assert [t["state"] for t in known.trials(sqlite_store, "s")] == ["done", "failed"]
    assert "Trial 1 failed: The disk is full." in shown(study("s", 10, settings))
    monkeypatch.setattr(AgentKind, "run", honest)
    assert studies.rerun_trials("s", None, "test", settings) == 1
    studies.run_study("s", settings)
    assert [t["state"] for t in known.trials(sqlite_store, "s")] == ["done", "done"]


def test_tpe_starts_from_a_past_study_and_pruning_saves_seeds(
    settings: Settings, sqlite_store: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    make(settings, "past", seeds=1)
    studies.run_study("past", settings)
    made = make(
        settings,
        vary={
            "learning_rate": {"low": 0.01, "high": 0.5, "log": True},
            "discount": {"low": 0.0, "high": 0.9},
        },
        trials=3,
        seeds=5,
        warm="past",
        pruning=True,
    )
    assert made["spec"]["sampler"] == "tpe"
    assert made["facts"]["warmed"] == 4
    honest = AgentKind.run

    def worse(self: AgentKind, plan: Any, config: Any, seed: int, beat: Any) -> Any:  # noqa: ANN401
        import msgspec

        found = honest(self, plan, config, seed, beat)
        done = len(known.trials(sqlite_store, "s"))
        return msgspec.structs.replace(found, objective=100.0 * seed - 10.0 * done)

    monkeypatch.setattr(AgentKind, "run", worse)
    studies.run_study("s", settings)
    trials = known.trials(sqlite_store, "s")
    assert [t["state"] for t in trials] == ["done", "pruned", "pruned"]
    assert [t["runs"] for t in trials] == [5, 4, 4]
    assert trials[1]["reason"].startswith("behind trial 0 on 4 seeds")
    assert all(0.01 <= t["config"]["learning_rate"] <= 0.5 for t in trials)


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"name": "a b"}, "is not allowed"),
        ({"sampler": "magic"}, "The sampler is 'magic'"),
        ({"seeds": 0}, "seeds is 0; give a number from 1 to 100."),
        ({"options": {"source": "nowhere"}}, "There is no source 'nowhere'"),
        ({"options": {"speed": 1}}, "cannot be asked for"),
        ({"warm": "nothing"}, "There is no study 'nothing'"),
        ({"options": {"source": SOURCE, "minutes": 1}}, "minutes is 1; give a number from 2"),
        ({"options": {"source": SOURCE, "pause_ms": -5.0}}, "pause_ms is -5; give a number from 0"),
        ({"options": {"source": SOURCE, "stale_ms": math.inf}}, "stale_ms is inf; give a number"),
        ({"options": {"source": SOURCE, "stale_ms": -2.0}}, "stale_ms is -2; give a number"),
        ({"kind": "cook"}, "There is no kind of study 'cook'"),
        ({"fixed": {"discount": 0.1}}, "both varied and fixed"),
    ],
)
def test_a_study_that_makes_no_sense_is_refused(
    settings: Settings, fields: dict[str, Any], told: str
) -> None:
    with pytest.raises(EngineError, match=told):
        make(settings, **fields)


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({}, "The sampler grid takes no notice of past results"),
        ({"sampler": "tpe", "vary": {"exploration": [0.1]}}, "No result of 'past' fits what"),
        ({"sampler": "tpe", "options": {"source": SOURCE, "minutes": MINUTES, "objective": "hits"}},
         "'past' has another objective"),
    ],
)  # fmt: skip
def test_a_past_study_that_would_help_nothing_is_refused(
    settings: Settings, sqlite_store: Engine, fields: dict[str, Any], told: str
) -> None:
    make(settings, "past", seeds=1, vary={"discount": [0.0]})
    studies.run_study("past", settings)
    with pytest.raises(StudyError, match=told):
        make(settings, **{"vary": {"discount": [0.0, 0.5]}, **fields}, warm="past")
    assert known.one(sqlite_store, "s") is None


def test_a_budget_in_minutes_waits_until_it_is_used_up(
    settings: Settings, sqlite_store: Engine
) -> None:
    make(settings, vary={"discount": {"low": 0.0, "high": 0.9}}, minutes=5.0, seeds=1)
    assert standing(sqlite_store, "s")["state"] == "waiting"
    studies.run_study("s", settings, most=1)
    assert standing(sqlite_store, "s")["state"] == "waiting"
    later = time.time() + 301.0
    assert standing(sqlite_store, "s", later)["state"] == "done"
    # What was begun in time is ended afterwards.
    studies.add_seeds("s", 1, None, "test", settings)
    assert standing(sqlite_store, "s", later)["state"] == "waiting"


@pytest.mark.parametrize(
    ("fields", "added", "told"),
    [
        ({"minutes": 5.0}, (5, 0.0), "The budget of 's' is in minutes alone; add minutes."),
        ({"trials": 2}, (0, 5.0), "The budget of 's' is in configurations alone; add those."),
        ({"trials": 2}, (0, 0.0), "say how much to add"),
        ({"minutes": 5.0}, (0, math.nan), "say how much to add"),
        ({"minutes": 5.0}, (0, math.inf), "say how much to add"),
        ({"trials": 2}, (-1, 0.0), "say how much to add"),
    ],
)
def test_what_adds_nothing_to_a_study_is_refused(
    settings: Settings,
    sqlite_store: Engine,
    fields: dict[str, Any],
    added: tuple[int, float],
    told: str,
) -> None:
    make(settings, vary={"discount": {"low": 0.0, "high": 0.9}}, **fields)
    before = known.one(sqlite_store, "s")
    with pytest.raises(StudyError, match=told):
        studies.extend_study("s", *added, "test", settings)
    assert known.one(sqlite_store, "s") == before


def test_a_budget_of_both_kinds_wants_what_is_used_up(
    settings: Settings, sqlite_store: Engine
) -> None:
    make(settings, vary={"discount": {"low": 0.0, "high": 0.9}}, trials=1, minutes=5.0, seeds=1)
    studies.run_study("s", settings)
    with pytest.raises(StudyError, match="All 1 configurations of 's' are begun; add some as well"):
        studies.extend_study("s", 0, 5.0, "test", settings)
    update_study(sqlite_store, "s", started_at=time.time() - 301.0)
    with pytest.raises(StudyError, match="The time of 's' is over; add minutes as well"):
        studies.extend_study("s", 1, 0.0, "test", settings)
    found = studies.extend_study("s", 1, 5.0, "test", settings)
    assert found["trials"] == 2
    assert 10.0 <= found["minutes"] <= 10.2
    assert studies.run_study("s", settings) == 1


def test_the_lines_of_reference_are_found_after_an_interruption(
    settings: Settings, sqlite_store: Engine
) -> None:
    make(settings, vary={"discount": [0.0]}, seeds=1)
    assert studies.run_study("s", settings, stopped=lambda: True) == 0
    assert not study("s", 1, settings)["references"]
    studies.run_study("s", settings)
    assert set(study("s", 1, settings)["references"]) == {"plain LRU", "always keep", "heuristic"}


def test_what_no_worker_has_begun_is_not_applied(settings: Settings, sqlite_store: Engine) -> None:
    make(settings, fixed={"exploration": 0.2})
    assert claim(sqlite_store, "s", "w", 100.0, 60.0) is not None
    with pytest.raises(StudyError, match="Trial 0 of 's' has no configuration yet"):
        studies.apply_trial("s", 0, "test", settings)
    assert not system.tunables(sqlite_store)


def test_grids_end_and_say_so(settings: Settings) -> None:
    make(settings)
    with pytest.raises(StudyError, match="All 4 configurations of the grid"):
        studies.extend_study("s", 3, 0.0, "test", settings)
    with pytest.raises(StudyError, match="There is a study 's' already"):
        make(settings)
    studies.remove_study("s", "test", settings)
    make(settings)
