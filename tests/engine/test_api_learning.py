"""The endpoints of the trainer: names their users know, each one action, errors one sentence."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from db.migrations import migrate
from db.queries import system
from db.session import open_store
from db.writes import ensure_source
from engine import actions
from engine.actions.curves import CurvesWanted, policy_curves
from engine.actions.step_files import steps_job
from engine.errors import PolicyError
from engine.models import registry
from engine.settings import Settings
from engine.traces.trace import save
from tests.engine.collector.rows import raw_rows, write
from tests.engine.models.trained import policy
from tests.engine.stubs.running import RunningEngine, stub
from tests.engine.test_api import client_of
from tests.engine.training import generated


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[RunningEngine]:
    """An engine whose jobs only tell that they were started, with a trace, a model and rows."""
    running = RunningEngine(tmp_path, stub("queue"))
    settings = running.settings
    store = open_store(settings.database_url)
    migrate(store)
    save(generated.trace(name="made"), settings.data_path / "traces" / "made")
    registry.register(store, settings, policy(), {}, {}, name="first")
    write(store, raw_rows(ensure_source(store, "sample", "sample", "measured"), 300, 1.7e9, 10.0))
    yield running
    running.close()


@pytest.fixture
def client(engine: RunningEngine) -> TestClient:
    return client_of(engine.settings)


def params_of(settings: Settings, run: str) -> tuple[str, dict[str, Any]]:
    row = system.job(open_store(settings.database_url), run)
    assert row is not None
    return row["kind"], row["params"]


def test_columns_are_told_apart_from_those_of_the_recording_cache(client: TestClient) -> None:
    found = {one["name"]: one for one in client.get("/available-columns?trace=made").json()}
    assert found["weekday"]["recorded"] is False
    assert found["hit"]["recorded"] is True
    told = client.get("/feature-columns-enum?trace=made").json()
    assert told == {"enum": ["weekday"], "recorded": ["hit"]}


def test_columns_of_the_active_source_are_the_default(client: TestClient) -> None:
    names = {one["name"] for one in client.get("/available-columns").json()}
    assert {"timestamp", "cache_key", "traffic_intensity"} <= names


def test_weights_are_derived_with_their_reasons(client: TestClient) -> None:
    told = client.get("/cache/derived/weights?trace=made").json()
    assert set(told["cache_weights"]) == {one["metric"] for one in told["reasons"]}
    assert sum(told["cache_weights"].values()) == pytest.approx(1.0, abs=0.01)
    assert all(one["reason"] for one in told["reasons"])
    assert client.get("/cache/derived/weights").json()["cache_weights"]


def test_a_training_is_asked_for_as_its_users_know_it(
    engine: RunningEngine, client: TestClient
) -> None:
    asked = client.post("/train?algorithm=dqn&cache_size=10&timesteps=100000")
    assert asked.status_code == 202, asked.json()
    kind, params = params_of(engine.settings, asked.json()["id"])
    assert kind == "train"
    expected = {"algorithm": "dqn", "cache_size": 10, "timesteps": 100000, "source": "sample"}
    assert params == expected
    more = client.post("/train?trace=made&cache_size=1%25", json={"seeds": [1, 2], "columns": []})
    assert params_of(engine.settings, more.json()["id"])[1] == {"trace": "made", "seeds": [1, 2]}


def test_jobs_are_looked_up_by_id(engine: RunningEngine, client: TestClient) -> None:
    run = client.post("/compare", json={"trace": "made", "sizes": ["10"]}).json()["id"]
    told = client.get(f"/jobs/{run}").json()
    assert (told["kind"], told["params"]) == ("compare", {"trace": "made", "sizes": ["10"]})
    assert client.get(f"/jobs/{run}/curves").json() == []
    assert client.get("/jobs/none").status_code == 404


def test_models_are_shown_judged_promoted_exported_and_protected(
    engine: RunningEngine, client: TestClient
) -> None:
    assert [one["name"] for one in client.get("/models").json()] == ["first"]
    assert client.get("/models/1").json()["cache_size"] == 100
    for path, kind, params in (
        ("/evaluate/1", "evaluate", {"model": 1}),
        ("/export/1?output_dir=team", "export", {"model": 1, "output_dir": "team"}),
    ):
        run = client.post(path).json()["id"]
        assert params_of(engine.settings, run) == (kind, params)
    assert client.post("/models/1/promote").json() == {"alias": "champion", "model": 1}
    assert client.get("/models/champion").json()["aliases"] == ["champion"]
    refused = client.delete("/models/1")
    assert refused.status_code == 400
    assert "cannot be deleted" in refused.json()["detail"]


@pytest.mark.parametrize(
    ("method", "path", "body", "words"),
    [
        ("POST", "/train?algorithm=magic&trace=made", {}, "no algorithm 'magic'"),
        ("POST", "/train?trace=made", {"colour": 1}, "unknown field `colour`"),
        ("POST", "/train?trace=made", {"hyperparameters": {"gamma": 9}}, "gamma is 9"),
        ("POST", "/train?trace=made&cache_size=0", {}, "a cache of 0 holds nothing"),
        ("POST", "/train?trace=made&cache_size=many", {}, "'many' is no size"),
        ("POST", "/train?trace=none", {}, "no trace 'none'"),
        ("POST", "/train?trace=made", {"columns": ["colour"]}, "no column 'colour'"),
        ("POST", "/evaluate/1", {"sizes": ["0%"]}, "a cache of 0% holds nothing"),
        ("POST", "/compare", {"sizes": 7}, "Expected `array`"),
        ("POST", "/curves", {"trace": "made", "policies": ["magic"]}, "no policy 'magic'"),
        ("POST", "/import", {"where": "x"}, "unknown field `where`"),
        ("POST", "/evaluate/9", {}, "no model 9"),
        ("POST", "/export/nobody", {}, "No model goes by the name 'nobody'"),
        ("GET", "/available-columns?trace=none", None, "no trace 'none'"),
        ("GET", "/available-columns?trace=..%2Fx", None, "cannot name a trace"),
        ("DELETE", "/traces/none", None, "no trace 'none'"),
    ],
)
def test_nonsense_starts_nothing_and_is_one_sentence(
    engine: RunningEngine, client: TestClient, method: str, path: str, body: object, words: str
) -> None:
    answer = client.request(method, path, json=body)
    assert 400 <= answer.status_code < 500
    assert words in answer.json()["detail"]
    assert actions.jobs(settings=engine.settings) == []


def test_pages_of_other_sites_start_nothing(client: TestClient) -> None:
    headers = {"origin": "http://evil.example"}
    assert client.post("/train?trace=made", headers=headers).status_code == 403


def test_curves_are_drawn_by_every_figure_that_was_recorded(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path)
    save(generated.trace(generated.requests(3000)), tmp_path / "traces" / "made")
    heard: list[float] = []

    def beat(share: float, _message: str) -> bool:
        heard.append(share)
        return False

    found = policy_curves(CurvesWanted(trace="made", policies=("lru",), points=4), settings, beat)
    assert set(found["curves"]) == {"hit_ratio", "byte_hit_ratio", "load_time_saved"}
    for curves in found["curves"].values():
        ratios = [point["miss_ratio"] for point in curves[0]["points"]]
        assert ratios == sorted(ratios, reverse=True)
    assert found["cost_ms"] == pytest.approx(generated.requests(3000).cost.sum())
    assert heard == sorted(heard)
    with pytest.raises(PolicyError, match="stopped"):
        policy_curves(CurvesWanted(trace="made", policies=("lru",)), settings, lambda *_: True)


@pytest.mark.parametrize(
    ("changes", "words"),
    [({"policies": ()}, "No policy is named"), ({"points": 1}, "A curve of 1 sizes"),
     ({"ttl_s": -1.0}, "time to live of -1.0"), ({"ttl_s": float("nan")}, "time to live of nan")],
)  # fmt: skip
def test_absurd_curves_are_refused(changes: dict[str, Any], words: str, tmp_path: Path) -> None:
    with pytest.raises(PolicyError, match=words):
        policy_curves(CurvesWanted(trace="made", **changes), Settings(data_dir=tmp_path))


class Job:
    """A job's handle that is never cancelled."""

    id, cancelled = "run-1", False

    def progress(self, share: float, message: str) -> None:
        """Hear nothing."""


def test_steps_are_kept_as_a_file_and_old_ones_go(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from engine.actions import step_files
    from engine.actions.store import _loaded

    monkeypatch.setenv("CACHESCOPE_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("DATABASE_URL", f"sqlite:///{tmp_path / 's.sqlite3'}")
    monkeypatch.setattr(step_files, "KEPT", 1)
    _loaded.cache_clear()
    settings = Settings(data_dir=tmp_path, database_url_text=f"sqlite:///{tmp_path / 's.sqlite3'}")
    store = open_store(settings.database_url)
    migrate(store)
    save(generated.trace(name="made"), tmp_path / "traces" / "made")
    registry.register(store, settings, policy(data={"name": "made"}), {}, {})
    older = tmp_path / "steps" / "older.parquet"
    older.parent.mkdir()
    older.write_bytes(b"x")
    told = steps_job({"model": 1, "count": 20}, Job())  # type: ignore[arg-type]
    _loaded.cache_clear()
    assert told is not None
    assert (told["looked_at"], told["steps"], told["file"]) == (20, 20, "run-1.parquet")
    assert len(told["members"]) == told["held"] == 100
    assert [path.name for path in older.parent.iterdir()] == ["run-1.parquet"]
