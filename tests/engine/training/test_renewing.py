"""Training anew: the model's own recipe, newer requests, and an alias that moves only ahead."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine

from db.migrations import migrate
from db.queries import system
from db.session import open_store
from engine.actions.renewing import RenewWanted, recipe_of, renew_model
from engine.actions.training import TrainWanted, train_models
from engine.cli import main
from engine.commands.renew import seconds_of
from engine.errors import ModelError, TrainingError
from engine.models import aliases, registry
from engine.settings import Settings, load_settings
from engine.traces.shelf import folder_of
from engine.traces.trace import save
from engine.training.curves import Listener
from engine.training.policy import TrainedPolicy
from tests.engine.models.trained import INDEX
from tests.engine.training import generated

FIRST = TrainWanted(
    trace="made",
    algorithm="a2c",
    cache_size=40,
    timesteps=8_192,
    seeds=(3,),
    columns=("weekday",),
    objective="hits",
    hyperparameters={"slots": 64, "n_steps": 8},
)

REFUSED = (
    (["--trace", "newer"], "No model goes by the name 'champion'"),
    (["1"], "Name one of: a trace"),
    (["1", "--trace", "nowhere"], "There is no trace and no file 'nowhere'"),
    (["1", "--trace", "newer", "--every", "soon"], "--every is 'soon'; give a duration"),
)
"""Arguments -> what is said; nothing is trained."""


class Place:
    """A store and a data folder with two traces and model 1."""

    def __init__(self) -> None:
        self.settings: Settings = load_settings()
        self.store: Engine = open_store(self.settings.database_url)
        migrate(self.store)
        save(generated.trace(), folder_of("made", self.settings))
        newer = generated.trace(generated.requests(seed=1), name="newer")
        save(newer, folder_of("newer", self.settings))
        train_models(FIRST, settings=self.settings)

    def worst(self) -> int:
        """Register model 1 with its preferences turned round; returns the number."""
        policy = registry.load(self.store, self.settings, 1)
        turned = {
            name: dataclasses.replace(network, w3=-network.w3)
            for name, network in policy.networks.items()
        }
        made = TrainedPolicy(policy.spec, turned)
        return registry.register(self.store, self.settings, made, {}, {})


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Place]:
    monkeypatch.setenv("CACHESCOPE_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("CACHESCOPE_LOG_DIR", str(tmp_path / "logs"))
    made = Place()
    yield made
    made.store.dispose()


def test_a_model_that_is_ahead_takes_over(place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    worst = place.worst()
    aliases.promote(place.store, place.settings, worst)
    assert main(["renew", "--trace", "newer", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["before"], found["model"], found["metric"]) == (worst, 3, "hit_ratio")
    assert found["after"] > found["was"] > 0
    assert found["promoted"]
    assert registry.number_of(place.store, "champion") == 3
    audit = [row["action"] for row in system.audit(place.store, 20)]
    assert "renew" in audit

    # The same requests again: equal networks, and no reason to move.
    again = renew_model(RenewWanted(trace="newer"), settings=place.settings)
    assert again is not None
    assert again["after"] == again["was"]
    assert not again["promoted"]
    assert registry.number_of(place.store, "champion") == 3


class Ending(Listener):
    """Asks to end once so much is done; with `by_engine`, because the engine ends."""

    def __init__(self, at: float, by_engine: bool) -> None:
        self.at, self.by_engine, self.stop = at, by_engine, False

    @property
    def cancelled(self) -> bool:
        return self.stop

    @property
    def interrupted(self) -> bool:
        return self.stop and self.by_engine

    def progress(self, fraction: float, message: str) -> None:
        self.stop |= fraction >= self.at


class Struck(Listener):
    """Ctrl-C once so much is done."""

    def __init__(self, at: float) -> None:
        self.at = at

    def progress(self, fraction: float, message: str) -> None:
        if fraction >= self.at:
            raise KeyboardInterrupt


STAGES = {"training": 0.1, "judging the new one": 0.65, "judging the old one": 0.9}


@pytest.mark.parametrize("at", STAGES.values(), ids=STAGES)
def test_one_that_is_cut_short_registers_nothing_and_moves_no_alias(
    place: Place, at: float
) -> None:
    worst = place.worst()
    aliases.promote(place.store, place.settings, worst)
    wanted, left = RenewWanted(trace="newer"), place.settings.data_path / "training"
    folders = sorted((place.settings.data_path / "models").iterdir())

    def is_as_before() -> bool:
        assert not list(left.glob("*"))
        assert sorted((place.settings.data_path / "models").iterdir()) == folders
        numbers = {model["id"] for model in registry.models(place.store)}
        return numbers == {1, worst} and registry.number_of(place.store, "champion") == worst

    for by_engine in (False, True):
        ending = Ending(at, by_engine)
        assert renew_model(wanted, settings=place.settings, listener=ending) is None
        assert ending.stop
        assert is_as_before()
    with pytest.raises(KeyboardInterrupt):
        renew_model(wanted, settings=place.settings, listener=Struck(at))
    assert is_as_before()


def test_it_is_trained_as_the_model_was_and_bad_input_is_told(
    place: Place, capsys: pytest.CaptureFixture[str]
) -> None:
    policy = registry.load(place.store, place.settings, 1)
    told = recipe_of(policy.spec, "newer")
    given: dict[str, Any] = {
        name.removeprefix("a2c."): value for name, value in told.hyperparameters.items()
    }
    assert given["slots"] == 64
    assert given["n_steps"] == 8
    for name in (
        "algorithm",
        "timesteps",
        "cache_size",
        "seeds",
        "columns",
        "objective",
        "environment",
    ):
        assert getattr(told, name) == getattr(FIRST, name)
    capsys.readouterr()
    for arguments, sentence in REFUSED:
        assert main(["renew", *arguments]) != 0
        assert capsys.readouterr().err.startswith(sentence)
    assert len(registry.models(place.store)) == 1


def test_the_index_is_never_renewed() -> None:
    with pytest.raises(ModelError, match="learns online and is never trained"):
        recipe_of(INDEX.spec, "newer")


@pytest.mark.parametrize(("text", "seconds"), [("90s", 90), ("30m", 1800), ("6h", 21_600)])
def test_a_duration_is_read(text: str, seconds: float) -> None:
    assert seconds_of(text) == seconds


@pytest.mark.parametrize("text", ["", "h", "6", "-1h", "0s", "infs", "nanh"])
def test_no_duration_is_refused(text: str) -> None:
    with pytest.raises(TrainingError, match="give a duration"):
        seconds_of(text)
