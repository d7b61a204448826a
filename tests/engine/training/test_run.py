"""A training: it learns, repeats itself, stops, goes on, and never looks at the test part."""

from __future__ import annotations

import dataclasses
import tempfile
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest

from engine.cache.base import Room
from engine.cache.features import NAMES
from engine.cache.lru import LRU
from engine.errors import TrainingError
from engine.training.curves import Listener, Point, as_curves
from engine.training.options import TrainOptions
from engine.training.policy import TrainedPolicy
from engine.training.replaying import start
from engine.training.run import Trained, train, train_policy
from tests.engine.training import generated

TRACE = generated.trace()
SMALL: dict[str, Any] = {
    "cache_size": 40,
    "timesteps": 12_288,
    "evaluations": 3,
    "objective": "hits",
    "hyperparameters": {
        "slots": 64, "ppo.n_steps": 16, "ppo.batch_size": 512, "dqn.learning_starts": 1000,
        "dqn.batch_size": 128,
    },
}  # fmt: skip


def options(algorithm: str, **changed: Any) -> TrainOptions:  # noqa: ANN401 - any option
    kept = {"ppo", "dqn"} if algorithm == "default" else {algorithm}
    given = {**SMALL, **changed}
    given["hyperparameters"] = {
        name: value
        for name, value in given["hyperparameters"].items()
        if "." not in name or name.partition(".")[0] in kept
    }
    return TrainOptions(algorithm=algorithm, **given)


class Heard(Listener):
    """Notes all points, and cancels after so many."""

    def __init__(self, most: int = 1_000) -> None:
        self.points: list[Point] = []
        self.shares: list[float] = []
        self.most = most

    @property
    def cancelled(self) -> bool:
        return len(self.points) >= self.most

    def point(self, point: Point) -> None:
        self.points.append(point)

    def progress(self, fraction: float, message: str) -> None:
        assert message
        self.shares.append(fraction)


def equal(one: Trained, other: Trained) -> bool:
    left, right = one.policy.networks, other.policy.networks
    return list(left) == list(right) and all(
        np.array_equal(array, right[name].arrays()[which])
        for name, network in left.items()
        for which, array in network.arrays().items()
    )


@pytest.fixture(scope="module")
def joined() -> tuple[Trained, Heard]:
    heard = Heard()
    (found,) = train(TRACE, options("default"), heard)
    return found, heard


@pytest.mark.usefixtures("joined")  # a process's first training makes a folder of torch's own
def test_a_training_leaves_nothing_in_the_temporary_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    train(TRACE, options("a2c", timesteps=1280, hyperparameters={"slots": 64, "n_steps": 5}))
    assert not list(tmp_path.iterdir())


def test_the_default_recipe_stands_two_networks_side_by_side(
    joined: tuple[Trained, Heard],
) -> None:
    found, heard = joined
    spec = found.policy.spec
    assert set(found.policy.networks) == set(spec.readouts) == {"ppo", "dqn"}
    assert spec.guard
    assert spec.features == NAMES  # no column of the recording cache unless asked for
    assert spec.data["digest"] == TRACE.info.digest
    assert spec.hyperparameters["ppo"]["n_steps"] == 16
    assert heard.shares == sorted(heard.shares)
    assert heard.shares[-1] == pytest.approx(1.0)


def test_curves_tell_validation_reward_loss_exploration_and_speed(
    joined: tuple[Trained, Heard],
) -> None:
    found, _ = joined
    curves = as_curves(found.points)
    for name in ("hit_ratio", "value_ratio", "reward", "loss", "exploration", "steps_per_s"):
        assert {point["algorithm"] for point in curves[name]} == {"ppo", "dqn"}, name
    tried = [p for p in found.points if p.algorithm == "ppo" and p.hit_ratio is not None]
    assert tried[0].steps == 0
    assert len(tried) >= 4
    assert found.score == max(
        [p for p in found.points if p.best and p.algorithm == name][-1].value_ratio or 0
        for name in ("ppo", "dqn")
    )


def test_what_was_learned_is_ahead_of_lru_on_the_test_part(joined: tuple[Trained, Heard]) -> None:
    room = Room(40, by_bytes=False, distinct=generated.KEYS)
    learned = start(joined[0].policy, room).feed(TRACE.requests)[6000:].mean()
    assert learned > LRU().start(room).feed(TRACE.requests)[6000:].mean() + 0.02


def test_an_equal_training_without_the_test_part_gives_equal_networks() -> None:
    kept = TRACE.requests
    other = dataclasses.replace(kept, key=kept.key.copy(), cost=kept.cost.copy())
    other.key[6000:] = other.key[6000:][::-1]
    other.cost[6000:] *= 2
    (one,) = train(TRACE, options("ppo", seeds=(3,), timesteps=4096))
    (two,) = train(generated.trace(other), options("ppo", seeds=(3,), timesteps=4096))
    assert equal(one, two)


def test_every_seed_makes_a_policy_of_its_own() -> None:
    heard = Heard()
    found = train(TRACE, options("a2c", seeds=(1, 2), timesteps=4096), heard)
    assert [one.policy.spec.seed for one in found] == [1, 2]
    assert not equal(*found)
    assert heard.shares == sorted(heard.shares)
    best = train_policy(TRACE, options("a2c", seeds=(1, 2), timesteps=4096))
    scores = {one.policy.spec.seed: one.score for one in found}
    assert scores[best.spec.seed] == max(scores.values())


def test_cancelled_it_keeps_the_best_so_far_and_goes_on_from_there(tmp_path: Path) -> None:
    asked = options("dqn", timesteps=16_384, seeds=(5,))
    (cut,) = train(TRACE, asked, Heard(most=3), tmp_path)
    assert 0 < cut.points[-1].steps < 16_384
    assert cut.policy.networks["dqn"].inputs == len(NAMES)
    heard = Heard()
    (whole,) = train(TRACE, asked, heard, tmp_path)
    assert whole.points[: len(cut.points)] == cut.points
    assert heard.points[0].steps > cut.points[-1].steps
    assert whole.points[-1].steps >= 16_384
    assert whole.seconds > cut.seconds > 0
    (again,) = train(TRACE, asked, Heard(most=0), tmp_path)
    assert equal(whole, again)  # nothing is left to learn
    assert again.seconds == whole.seconds  # what it took is what all its stretches took


def test_a_checkpoint_of_another_training_or_a_damaged_one_is_of_no_use(tmp_path: Path) -> None:
    train(TRACE, options("a2c"), Heard(), tmp_path)
    heard = Heard(most=2)
    train(TRACE, options("a2c", cache_size=41), heard, tmp_path)
    assert heard.points[0].steps == 0
    for file in tmp_path.glob("*.pt"):
        file.write_bytes(b"not a tensor")
    heard = Heard(most=2)
    train(TRACE, options("a2c", cache_size=41), heard, tmp_path)
    assert heard.points[0].steps == 0


def test_it_ends_when_validation_gets_no_better(monkeypatch: pytest.MonkeyPatch) -> None:
    ratios = iter([0.5, 0.4, 0.4, 0.4, 0.4, 0.4, 0.4, 0.4, 0.4, 0.4, 0.4])
    monkeypatch.setattr(
        "engine.training.validation.Validator.ratios", lambda *_: (next(ratios),) * 2
    )
    (found,) = train(TRACE, options("a2c", evaluations=10, patience=3))
    tried = [p for p in found.points if p.hit_ratio is not None]
    assert [p.best for p in tried] == [True, False, False, False]
    assert tried[-1].steps < 6_000
    assert found.score == 0.5


def test_columns_of_the_trace_become_features() -> None:
    (found,) = train(TRACE, options("a2c", columns=("weekday",)), Heard(most=2))
    assert found.policy.spec.features == (*NAMES, "weekday")
    assert found.policy.networks["a2c"].inputs == len(NAMES) + 1


def test_the_admission_form_learns_beside_the_others() -> None:
    (found,) = train(TRACE, options("dqn", environment="admission"), Heard())
    network = found.policy.networks["dqn"]
    assert network.inputs == 2 * len(NAMES)
    room = Room(40, by_bytes=False, distinct=generated.KEYS)
    replay: Any = start(found.policy, room)
    hits = replay.feed(TRACE.requests)
    lru = LRU().start(room).feed(TRACE.requests)
    assert hits[6000:].mean() > lru[6000:].mean()
    assert 0 < replay.admitted < replay.decided
    larger = Room(80, by_bytes=False, distinct=generated.KEYS)
    spec = found.policy.spec
    for_larger = msgspec.structs.replace(spec, capacity=80, lifetime=2 * spec.lifetime)
    same = start(TrainedPolicy(for_larger, found.policy.networks), larger).feed(TRACE.requests)
    assert np.array_equal(start(found.policy, larger).feed(TRACE.requests), same)
    with pytest.raises(TrainingError, match="counts results"):
        train(TRACE, options("dqn", environment="admission", by_bytes=True, cache_size=9000))


def test_cuda_is_refused_where_it_is_not() -> None:
    torch = pytest.importorskip("torch")
    if torch.cuda.is_available():
        pytest.skip("this machine has CUDA")
    with pytest.raises(TrainingError, match="no CUDA device"):
        train(TRACE, options("ppo", device="cuda"))
