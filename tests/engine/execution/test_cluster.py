"""Jobs on a real Ray cluster: results, progress, ends and reasons as in local processes."""

from __future__ import annotations

import importlib.util
import json
import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from sqlalchemy import Engine

from db.migrations import migrate
from db.queries import system
from db.queries.training import points
from db.session import open_store
from engine import actions
from engine.actions.curves import CurvesWanted, policy_curves
from engine.actions.evaluating import EvaluateWanted, evaluate_model
from engine.actions.store import storing
from engine.actions.training import TrainWanted, start_training, train_models
from engine.cache.base import Room
from engine.cache.hybrid import HybridReplay, index_policy
from engine.errors import JobError, SettingsError
from engine.execution.cluster import connected
from engine.execution.parcels import File, packed, unpack
from engine.jobs import queue_again
from engine.leases import engine_id
from engine.models import registry
from engine.records import JobState
from engine.settings import Settings, load_settings
from engine.traces.shelf import folder_of
from engine.traces.trace import save
from tests.engine.execution.clusters import Cluster, free_port
from tests.engine.stubs.running import RunningEngine, until
from tests.engine.training import generated

pytest.importorskip("ray")
pytestmark = pytest.mark.timeout(600)  # the first job compiles what no test before it needed

SMALL = TrainWanted(
    trace="made",
    algorithm="a2c",
    cache_size=40,
    timesteps=4096,
    evaluations=1,
    hyperparameters={"slots": 64, "n_steps": 8},
    evaluated=False,
)
ENDLESS = TrainWanted(
    trace="made",
    algorithm="a2c",
    cache_size=40,
    timesteps=100_000_000,
    patience=0,
    evaluations=1000,
    hyperparameters={"slots": 64, "n_steps": 8},
)
OVER = (JobState.QUEUED, JobState.RUNNING)


class Working:
    """An engine without services that hands its jobs to a cluster, and its store."""

    def __init__(self, folder: Path, cluster: Cluster) -> None:
        self.folder, self.cluster = folder, cluster
        self.engine = RunningEngine(folder)
        self.settings = self.engine.settings
        self.store: Engine = open_store(self.settings.database_url)
        migrate(self.store)
        save(generated.trace(), folder_of("made", self.settings))

    def row(self, run: str) -> dict[str, Any]:
        row = system.job(self.store, run)
        assert row is not None
        return row

    def ends(self, run: str, seconds: float = 120) -> dict[str, Any]:
        until(lambda: self.row(run)["state"] not in OVER, seconds)
        return self.row(run)

    def result(self, kind: str, **params: Any) -> dict[str, Any]:  # noqa: ANN401
        row = self.ends(actions.start_job(kind, params, "tester", self.settings))
        assert row["state"] == JobState.DONE, row["message"]
        return dict(row["result"])

    def again(self) -> None:
        """Start the engine anew, as `engine up` does."""
        waiting = tuple(queue_again(self.store, engine_id(self.settings)))
        self.engine = RunningEngine(self.folder, jobs=waiting)


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    # What is compiled here goes along; a node that compiles hears no cancelling for longer than
    # the engine waits for it.
    room = Room(40, by_bytes=False, distinct=generated.KEYS)
    HybridReplay(index_policy(room, 100.0), room).feed(generated.requests(600))
    cluster = Cluster()
    yield cluster
    cluster.close()


@pytest.fixture
def working(cluster: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Working]:
    monkeypatch.setenv("CACHESCOPE_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("CACHESCOPE_LOG_DIR", str(tmp_path / "logs"))
    monkeypatch.setenv("RAY_ADDRESS", cluster.address)
    working = Working(tmp_path, cluster)
    yield working
    working.engine.close()
    working.store.dispose()


def test_a_cluster_trains_judges_and_draws_what_this_machine_would(
    working: Working, tmp_path: Path
) -> None:
    made = working.result("train", **_given(SMALL))
    here = load_settings(CACHESCOPE_DATA_DIR=str(tmp_path / "here"))
    save(generated.trace(), folder_of("made", here))
    own = train_models(SMALL, settings=here)
    assert own is not None
    assert made["validation"] == own["validation"]
    assert points(working.store, made["run"])
    (kept, kept_own) = (
        _kept(settings, number)
        for settings, number in ((working.settings, made["best"]), (here, own["best"]))
    )
    assert kept == kept_own

    asked = {"model": made["best"], "sizes": [10], "policies": ["lru", "belady"]}
    judged = working.result("evaluate", **asked)
    alike = EvaluateWanted(model=own["best"], sizes=(10,), policies=("lru", "belady"))
    assert _plain(judged) == _plain(evaluate_model(alike, settings=here))
    evaluation = registry.model(working.store, made["best"])["evaluation"]
    assert evaluation["scores"] == judged["scores"]

    drawn = working.result("curves", trace="made", policies=["lru"], points=5)
    curves = policy_curves(CurvesWanted(trace="made", policies=("lru",), points=5), here)
    assert drawn == _json(curves)


def _given(wanted: TrainWanted) -> dict[str, Any]:
    told: dict[str, Any] = msgspec.to_builtins(wanted)
    return told


def _kept(settings: Settings, number: int) -> tuple[Any, ...]:
    """Weights and data of a registered model."""
    with storing(settings) as store:
        policy = registry.load(store, settings, number)
        digest = registry.model(store, number)["data_digest"]
    arrays = {
        f"{name}/{array}": values.tolist()
        for name, network in policy.networks.items()
        for array, values in network.arrays().items()
    }
    return arrays, digest, policy.spec.data["name"]


def _plain(evaluation: dict[str, Any]) -> Any:  # noqa: ANN401 - any JSON
    """An evaluation without the times it took."""
    scores = [
        {name: value for name, value in score.items() if not name.startswith("us_")}
        for score in evaluation["scores"]
    ]
    return _json([scores, evaluation["verdicts"]])


def _json(value: Any) -> Any:  # noqa: ANN401 - any JSON
    return json.loads(json.dumps(value))


def test_a_training_outlives_a_lost_process_and_an_engine_and_a_cancelled_one_keeps_its_best(
    working: Working,
) -> None:
    (run,) = start_training(ENDLESS, settings=working.settings)
    until(lambda: len(points(working.store, run)) >= 2, 90)
    folder = working.settings.data_path / "training" / run
    until(lambda: any(folder.glob("*.json")), 60)
    reached = _steps(working, run)[-1]
    (worker,) = working.cluster.workers()
    os.kill(worker, signal.SIGKILL)
    until(lambda: _steps(working, run)[-1] > reached, 90)

    working.engine.process.send_signal(signal.SIGTERM)
    until(lambda: working.row(run)["state"] == JobState.INTERRUPTED, 60)
    until(lambda: working.engine.process.poll() is not None, 30)
    until(lambda: not working.cluster.workers(), 30)
    reached = _steps(working, run)[-1]
    working.again()
    until(lambda: _steps(working, run)[-1] > reached, 90)
    assert _steps(working, run) == sorted(set(_steps(working, run)))  # it did not begin anew

    actions.cancel_job(run, "tester", working.settings)
    row = working.ends(run)
    assert row["state"] == JobState.CANCELLED
    (number,) = row["result"]["models"]
    policy = registry.load(working.store, working.settings, number)
    assert policy.spec.timesteps >= reached
    assert not folder.exists()
    until(lambda: not working.cluster.workers(), 30)


def _steps(working: Working, run: str) -> list[int]:
    return [point["steps"] for point in points(working.store, run)]


def test_a_job_whose_processes_are_lost_again_and_again_says_so(working: Working) -> None:
    (run,) = start_training(ENDLESS, settings=working.settings)
    seen: set[int] = set()
    for _ in range(2):
        until(lambda: set(working.cluster.workers()) - seen, 90)
        until(lambda: working.row(run)["message"] not in ("starting", ""), 60)
        for worker in working.cluster.workers():
            seen.add(worker)
            os.kill(worker, signal.SIGKILL)
    row = working.ends(run)
    assert row["state"] == JobState.FAILED
    assert "lost the process of the job (process" in row["message"]
    assert "it was killed or crashed" in row["message"]


def test_what_cannot_be_done_is_the_same_sentence_as_here(working: Working) -> None:
    refused = {
        "columns": (["colour"], "The trace 'made' has no column 'colour'"),
        "device": ("cuda", "The Ray cluster has no CUDA device; train with device=cpu or auto."),
    }
    runs = {
        name: actions.start_job("train", _given(SMALL) | {name: value}, "tester", working.settings)
        for name, (value, _) in refused.items()
    }
    for name, run in runs.items():
        row = working.ends(run)
        assert row["state"] == JobState.FAILED
        assert row["message"].startswith(refused[name][1])


def test_a_cluster_that_does_not_answer_is_one_sentence() -> None:
    address = f"127.0.0.1:{free_port()}"
    with pytest.raises(SettingsError, match=f"No Ray cluster answers at RAY_ADDRESS '{address}'"):
        connected(address)


def test_without_ray_the_setting_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _name: None)
    with pytest.raises(SettingsError, match=r"pip install -r requirements-ray\.txt"):
        connected("127.0.0.1:6379")


def test_an_address_is_a_host_and_a_port() -> None:
    with pytest.raises(SettingsError, match="RAY_ADDRESS is 'auto'; give HOST:PORT"):
        load_settings(RAY_ADDRESS="auto")


def test_a_file_that_was_damaged_on_its_way_is_not_kept(tmp_path: Path) -> None:
    (tmp_path / "from").mkdir()
    (tmp_path / "from" / "a").write_bytes(b"good")
    parcel = packed(tmp_path / "from")
    unpack(parcel, tmp_path / "whole")
    assert (tmp_path / "whole" / "a").read_bytes() == b"good"
    with pytest.raises(JobError, match="The file a was damaged on its way"):
        unpack({"a": File(b"bad", parcel["a"].sha256)}, tmp_path / "to")
    with pytest.raises(JobError, match="nothing of it is kept"):
        unpack({"../a": parcel["a"]}, tmp_path / "to")
    assert not (tmp_path / "to").exists()
