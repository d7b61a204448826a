"""Trainings as a person starts them: by command, as a job, cancelled, interrupted and resumed."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from sqlalchemy import Engine

from db.migrations import migrate
from db.queries import system
from db.queries.training import points
from db.session import open_store
from db.tables import jobs
from db.writes import insert
from engine import actions
from engine.actions.evaluating import EvaluateWanted, evaluate_model
from engine.actions.training import TrainWanted
from engine.actions.training_folders import checkpoints, training_folder
from engine.cli import main
from engine.errors import TrainingError
from engine.jobs import JobHandle, queue_again
from engine.leases import engine_id
from engine.models import registry
from engine.records import JobState
from engine.settings import load_settings
from engine.traces.shelf import folder_of
from engine.traces.trace import save
from engine.training.curves import Listener
from engine.training.job import evaluate_job, train_job
from tests.engine.stubs.running import RunningEngine, until
from tests.engine.training import generated

FAST = {"slots": 64, "n_steps": 8}


class Working:
    """An engine without services, its store, and the generated trace on its shelf."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.engine = RunningEngine(folder)
        self.settings = self.engine.settings
        self.store: Engine = open_store(self.settings.database_url)
        migrate(self.store)
        save(generated.trace(), folder_of("made", self.settings))

    def row(self, run: str) -> dict[str, Any]:
        row = system.job(self.store, run)
        assert row is not None
        return row

    def again(self) -> None:
        """Start the engine anew, as `engine up` does."""
        waiting = tuple(queue_again(self.store, engine_id(self.settings)))
        self.engine = RunningEngine(self.folder, jobs=waiting)


@pytest.fixture
def working(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Working]:
    monkeypatch.setenv("CACHESCOPE_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("CACHESCOPE_LOG_DIR", str(tmp_path / "logs"))
    working = Working(tmp_path)
    yield working
    working.engine.close()
    working.store.dispose()


def test_an_interrupted_training_goes_on_and_a_cancelled_one_keeps_its_best(
    working: Working,
) -> None:
    wanted = TrainWanted(
        trace="made",
        algorithm="a2c",
        cache_size=40,
        timesteps=100_000_000,
        patience=0,
        evaluations=1000,
        hyperparameters=FAST,
    )
    (run,) = actions_training().start_training(wanted, settings=working.settings)
    until(lambda: len(points(working.store, run)) >= 2, 90)
    pid = working.engine.call("status")["jobs"][0]["pid"]
    assert b"OMP_NUM_THREADS=1" in Path(f"/proc/{pid}/environ").read_bytes()
    working.engine.process.send_signal(signal.SIGTERM)
    until(lambda: working.row(run)["state"] == JobState.INTERRUPTED, 60)
    until(lambda: working.engine.process.poll() is not None, 30)
    assert registry.models(working.store) == []
    reached = points(working.store, run)[-1]["steps"]
    working.again()
    until(lambda: points(working.store, run)[-1]["steps"] > reached, 90)
    steps = [point["steps"] for point in points(working.store, run)]
    assert steps == sorted(set(steps))  # it did not begin anew
    actions.cancel_job(run, "tester", working.settings)
    until(lambda: working.row(run)["state"] == JobState.CANCELLED, 60)
    result = working.row(run)["result"]
    assert result["cancelled"]
    (number,) = result["models"]
    policy = registry.load(working.store, working.settings, number)
    assert policy.spec.timesteps >= reached
    assert not (working.settings.data_path / "training" / run).exists()


def actions_training() -> Any:  # noqa: ANN401 - a module
    from engine.actions import training

    return training


def command(*arguments: str, capsys: pytest.CaptureFixture[str]) -> Any:  # noqa: ANN401 - any JSON
    assert main([*arguments, "--json"]) == 0
    return json.loads(capsys.readouterr().out)


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Engine]:
    """A data folder of one's own with the trace, and no engine."""
    monkeypatch.setenv("CACHESCOPE_DATA_DIR", str(tmp_path / "data"))
    settings = load_settings()
    save(generated.trace(), folder_of("made", settings))
    store = open_store(settings.database_url)
    yield store
    store.dispose()


def test_by_command_a_model_is_trained_judged_and_judged_again_with_its_seeds(
    here: Engine, capsys: pytest.CaptureFixture[str]
) -> None:
    found = command(
        "train", "made", "--algorithm", "a2c", "--cache-size", "40", "--timesteps", "4096",
        "--seeds", "2", "--evaluations", "1", "--set", "slots=64", "--set", "n_steps=8",
        "--objective", "hits", capsys=capsys,
    )  # fmt: skip
    assert found["best"] in found["models"] == [1, 2]
    kept = registry.model(here, found["best"])
    assert kept["evaluation"]["metric"] == "hit_ratio"
    assert kept["hit_rate_history"]
    assert points(here, found["run"])
    told = command("evaluate", "1", "--sizes", "10", "--policies", "lru", "belady", capsys=capsys)
    assert told["models"] == [1, 2]
    assert {score["capacity"] for score in told["scores"]} == {10}
    assert len(told["scores"][0]["seeds"]) == 2
    assert registry.model(here, 2)["evaluation"]["scores"] == told["scores"]
    steps = command("evaluate", "2", "--steps", "20", "--around", "100", capsys=capsys)
    assert [step["number"] for step in steps["steps"]] == list(range(90, 110))
    assert main(["evaluate", "1", "--policies", "lru"]) == 0
    printed = capsys.readouterr().out
    assert "* Learned" in printed
    assert "At 40 " in printed


class Ending(Listener):
    """Asks to end as soon as policies are replayed; with `by_engine`, to go on later."""

    def __init__(self, by_engine: bool) -> None:
        self.stop, self.by_engine = False, by_engine

    @property
    def cancelled(self) -> bool:
        return self.stop

    @property
    def interrupted(self) -> bool:
        return self.stop and self.by_engine

    def progress(self, fraction: float, message: str) -> None:
        self.stop |= message.startswith("replaying")


def test_what_was_trained_is_kept_when_its_judging_is_cancelled(here: Engine) -> None:
    wanted = TrainWanted(
        trace="made", algorithm="a2c", cache_size=40, timesteps=2048, hyperparameters=FAST
    )
    train, settings = actions_training().train_models, load_settings()
    assert train(wanted, settings=settings, listener=Ending(by_engine=True)) is None
    assert registry.models(here) == []
    found = train(wanted, settings=settings, listener=Ending(by_engine=False))
    assert (found["models"], found["cancelled"], found["evaluation"]) == ([1], True, {})
    job = SimpleNamespace(id="1" * 32, store=here, cancelled=True, by_request=True)
    job.progress = lambda *_: None
    assert evaluate_job({"model": 1}, cast("JobHandle", job)) is None
    assert registry.model(here, 1)["evaluation"] == {}


REFUSED = {
    "no data": (["train"], "Name one of: a trace"),
    "no such trace": (["train", "other"], "no trace and no file 'other'"),
    "limit": (["train", "made", "--limit", "-1"], "limit is -1"),
    "too few": (["train", "made", "--limit", "100"], "too few to learn from"),
    "seeds": (["train", "made", "--seeds", "many"], "--seeds is 'many'"),
    "too many": (["train", "made", "--seeds", "1000000000000"], "is 1000000000000; give 1 to 100."),
    "set": (["train", "made", "--set", "gamma"], "write name=value"),
    "no model": (["evaluate", "7"], "no model 7"),
}


@pytest.mark.parametrize(("arguments", "told"), REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_done_is_one_sentence(
    here: Engine, arguments: list[str], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 2
    error = capsys.readouterr().err
    assert told in error
    assert error.count("\n") == 1


def test_a_job_of_unknown_parameters_says_which() -> None:
    with pytest.raises(TrainingError, match="unknown field `cachesize`"):
        train_job({"trace": "made", "cachesize": 3}, None)  # type: ignore[arg-type]


def test_an_evaluation_needs_the_columns_that_the_model_looks_at(here: Engine) -> None:
    from engine.settings import load_settings

    settings = load_settings()
    wanted = TrainWanted(
        trace="made", algorithm="a2c", cache_size=40, timesteps=4096, evaluations=1,
        columns=("weekday",), hyperparameters=FAST, evaluated=False,
    )  # fmt: skip
    made = actions_training().train_models(wanted, settings=settings)
    bare = generated.requests()
    plain = type(bare)(bare.time, bare.key, bare.group, bare.size, bare.cost, bare.distinct)
    save(generated.trace(plain, name="bare"), folder_of("bare", settings))
    with pytest.raises(TrainingError, match="looks at the column 'weekday'"):
        evaluate_model(EvaluateWanted(model=made["best"], trace="bare"), settings=settings)


class Failing(Listener):
    """Breaks the training once it has a checkpoint; with `by_engine`, while the engine ends."""

    def __init__(self, folder: Path, by_engine: bool) -> None:
        self.folder, self.by_engine, self.left = folder, by_engine, 0

    @property
    def interrupted(self) -> bool:
        return self.by_engine

    def progress(self, fraction: float, message: str) -> None:
        self.left = len(list(self.folder.glob("*/*.json")))
        if self.left:
            raise TrainingError("broken")


@pytest.mark.parametrize("by_engine", [False, True])
def test_a_failed_training_leaves_a_checkpoint_only_if_it_goes_on(
    here: Engine, by_engine: bool
) -> None:
    settings = load_settings()
    root = settings.data_path / "training"
    heard = Failing(root, by_engine)
    wanted = TrainWanted(
        trace="made", algorithm="a2c", cache_size=40, timesteps=4096, hyperparameters=FAST
    )
    with pytest.raises(TrainingError, match="broken"):
        actions_training().train_models(wanted, settings=settings, listener=heard, run="mine")
    assert heard.left
    assert (root / "mine").exists() == by_engine


def test_checkpoints_that_killed_trainings_left_go_when_the_next_begins(here: Engine) -> None:
    settings = load_settings()
    states = {
        "failed": (JobState.FAILED, "train"),
        "renewed": (JobState.INTERRUPTED, "renew"),
        "waiting": (JobState.INTERRUPTED, "train"),
        "running": (JobState.RUNNING, "train"),
    }
    migrate(here)
    for run, (state, kind) in states.items():
        row = {"id": run, "kind": kind, "state": state, "params": {}, "created_at": 1.0}
        insert(here, jobs, [{**row, "owner": "me", "who": "me", "progress": 0.0, "message": ""}])
    for run in (*states, "cli-old", "cli-now"):
        training_folder(settings, run).mkdir(parents=True)
    os.utime(training_folder(settings, "cli-old"), (1, 1))
    with checkpoints(settings, here, "mine", Listener()):
        left = {path.name for path in training_folder(settings, "x").parent.iterdir()}
    assert left == {"waiting", "running", "cli-now"}


def test_an_evaluation_says_that_the_trace_was_replaced(
    here: Engine, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = load_settings()
    wanted = TrainWanted(
        trace="made", algorithm="a2c", cache_size=40, timesteps=2048, evaluations=1,
        hyperparameters=FAST, evaluated=False,
    )  # fmt: skip
    made = actions_training().train_models(wanted, settings=settings)
    asked = EvaluateWanted(model=made["best"], policies=("lru",))
    assert evaluate_model(asked, settings=settings)["remark"] == ""
    whole = generated.requests()
    save(generated.trace(whole.slice(500, len(whole))), folder_of("made", settings))
    told = evaluate_model(asked, settings=settings)["remark"]
    assert "The trace made holds other requests now" in told
    assert main(["evaluate", str(made["best"]), "--policies", "lru"]) == 0
    assert told in capsys.readouterr().out
