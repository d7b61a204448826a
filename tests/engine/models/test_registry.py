"""The registry on every database: whole or not at all, checked at load, protected by aliases."""

from __future__ import annotations

import math
import shutil
from pathlib import Path

import numpy as np
import pytest
from sqlalchemy import Engine
from sqlalchemy.exc import OperationalError

from db import model_rows
from db.queries import models as kept_models
from engine.errors import ModelError
from engine.models import aliases, registry
from engine.models.comparison import compare
from engine.settings import Settings
from tests.engine.models.trained import policy

CURVES = {"reward": [[0, 0.1], [100, np.float32(0.2)]], "hit_ratio": [[0, float("nan")]]}


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(data_dir=tmp_path)


def keep(store: Engine, settings: Settings, seed: int = 0) -> int:
    return registry.register(store, settings, policy(seed), {"hit_ratio": 0.5}, CURVES)


def files(settings: Settings) -> list[str]:
    root = registry.models_root(settings)
    return sorted(path.name for path in root.iterdir()) if root.exists() else []


def test_a_model_comes_back_as_it_was_and_its_row_tells_all_of_it(
    store: Engine, settings: Settings
) -> None:
    number = keep(store, settings)
    back = registry.load(store, settings, number)
    given = policy()
    assert back.spec == given.spec
    rows = np.random.default_rng(1).normal(size=(50, 24)).astype(np.float32)
    for name, network in given.networks.items():
        assert np.array_equal(back.networks[name].scores(rows), network.scores(rows))
    row = registry.model(store, number)
    assert row["algorithm"] == "ppo+dqn"
    assert row["cache_size"] == 100
    assert row["timesteps"] == 1000
    assert row["feature_columns"] == list(given.spec.features)
    assert row["input_dimension"] == 24
    assert row["network_architecture"]["ppo"] == [24, 32, 16, 2]
    assert row["hyperparameters"]["ppo"]["gamma"] == 0.95
    assert row["data_digest"] == "d" * 64
    assert row["evaluation"] == {"hit_ratio": 0.5}
    assert row["reward_history"][1][1] == pytest.approx(0.2)
    assert row["hit_rate_history"] == [[0, None]]
    assert [listed["id"] for listed in registry.models(store)] == [number]


def test_an_alias_finds_its_model_and_goes_back_past_deleted_ones(
    store: Engine, settings: Settings
) -> None:
    first, second, third = (keep(store, settings, seed) for seed in range(3))
    for number in (first, second, third):
        aliases.promote(store, settings, number, who="ada", why="better")
    assert registry.load(store, settings, "champion").spec.seed == 2
    with pytest.raises(ModelError, match=f"Model {third} is the champion and cannot be deleted"):
        registry.delete(store, settings, third)
    registry.delete(store, settings, second)
    assert aliases.roll_back(store, settings, who="bob") == first
    assert registry.number_of(store, "champion") == first
    with pytest.raises(ModelError, match="no earlier model"):
        aliases.roll_back(store, settings)
    told = kept_models.alias_history(store, "champion")
    assert [(e["kind"], e["from_model"], e["to_model"], e["who"]) for e in told] == [
        ("promote", None, first, "ada"),
        ("promote", first, second, "ada"),
        ("promote", second, third, "ada"),
        ("roll back", third, first, "bob"),
    ]
    assert registry.delete(store, settings, third) == third
    assert files(settings) == [str(first)]


def test_an_alias_that_moved_meanwhile_is_not_moved_again(
    store: Engine, settings: Settings
) -> None:
    first, second = keep(store, settings, 0), keep(store, settings, 1)
    aliases.promote(store, settings, first)
    assert not model_rows.move_alias(store, "champion", None, second, "promote", "late", "")
    assert not model_rows.move_alias(store, "champion", first, 10_000, "promote", "wrong", "")
    assert registry.number_of(store, "champion") == first
    assert len(kept_models.alias_history(store, "champion")) == 1


def test_rolling_back_is_a_stack() -> None:
    def moved(*events: tuple[str, int]) -> list[int]:
        return aliases.stack([{"kind": kind, "to_model": model} for kind, model in events])

    up, back = "promote", "roll back"
    assert moved((up, 1), (up, 2), (up, 1)) == [1, 2, 1]
    assert moved((up, 1), (up, 2), (up, 1), (back, 2)) == [1, 2]
    assert moved((up, 1), (up, 2), (back, 1), (up, 3)) == [1, 3]
    assert moved((up, 1), (up, 2), (up, 3), (back, 1)) == [1]


@pytest.mark.parametrize("harm", ["changed", "missing", "elsewhere"])
def test_files_that_are_not_those_registered_are_refused(
    sqlite_store: Engine, settings: Settings, harm: str
) -> None:
    number = keep(sqlite_store, settings)
    folder = registry.models_root(settings) / str(number)
    if harm == "changed":
        (folder / "weights.safetensors").write_bytes(b"cos\nsystem\n(S'true'\ntR.")
    elif harm == "missing":
        (folder / "policy.json").unlink()
    else:
        shutil.rmtree(folder)
    words = {
        "changed": "is not the one that was registered",
        "missing": "The file policy.json of model 1 cannot be read",
        "elsewhere": "lie on another machine, or were deleted",
    }
    for act in (registry.load, aliases.promote):
        with pytest.raises(ModelError, match=words[harm]):
            act(sqlite_store, settings, number)
    assert kept_models.points_to(sqlite_store, "champion") is None


@pytest.mark.parametrize(
    ("wanted", "words"),
    [
        (7, "There is no model 7"),
        ("7", "There is no model 7"),
        (-1, "There is no model -1"),
        ("9" * 30, "There is no model 9"),
        ("best", "No model goes by the name 'best'; aliases: none yet"),
    ],
)
def test_an_unknown_model_is_named(
    sqlite_store: Engine, settings: Settings, wanted: int | str, words: str
) -> None:
    for act in (registry.load, registry.delete, aliases.promote):
        with pytest.raises(ModelError, match=words):
            act(sqlite_store, settings, wanted)


@pytest.mark.parametrize("alias", ["", "7", "A", "a b", "x" * 41])
def test_an_alias_of_no_usable_form_is_refused(
    sqlite_store: Engine, settings: Settings, alias: str
) -> None:
    with pytest.raises(ModelError, match="is no alias"):
        aliases.promote(sqlite_store, settings, keep(sqlite_store, settings), alias)


def test_a_row_that_cannot_be_written_leaves_no_files(
    sqlite_store: Engine, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> dict[str, object]:
        raise OperationalError("COMMIT", {}, Exception("disk is full"))

    monkeypatch.setattr("db.model_rows.update", refuse)
    with pytest.raises(OperationalError):
        keep(sqlite_store, settings)
    assert files(settings) == []
    assert registry.models(sqlite_store) == []


def test_a_folder_of_that_number_from_another_store_is_left_alone(
    sqlite_store: Engine, settings: Settings
) -> None:
    other = registry.models_root(settings) / "1"
    other.mkdir(parents=True)
    (other / "policy.json").write_text("theirs")
    number = keep(sqlite_store, settings)
    registry.load(sqlite_store, settings, number)
    registry.delete(sqlite_store, settings, number)
    assert (other / "policy.json").read_text() == "theirs"
    assert files(settings) == ["1"]


def test_comparing_shows_only_what_differs(sqlite_store: Engine, settings: Settings) -> None:
    first = registry.model(sqlite_store, keep(sqlite_store, settings))
    other = registry.register(
        sqlite_store, settings, policy(lifetime=99.0), {"hit_ratio": 0.75, "new": 1}, {}
    )
    found = {
        d.key: (d.first, d.second) for d in compare(first, registry.model(sqlite_store, other))
    }
    assert found == {
        "evaluation.hit_ratio": (0.5, 0.75),
        "evaluation.new": (None, 1),
        "spec.lifetime": (250.0, 99.0),
    }


def test_what_no_database_takes_becomes_none() -> None:
    given = {"a": math.inf, 1: (np.float32(0.5), np.int64(2)), "b": np.array([math.nan])}
    assert registry.plain(given) == {"a": None, "1": [0.5, 2], "b": [None]}
