"""What may be asked of a training, and each refusal in one sentence."""

from __future__ import annotations

import dataclasses
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest

from engine.cache.value import LOAD_TIME, SIZE
from engine.errors import EngineError
from engine.registry import resolve
from engine.training import ALGORITHMS, ENVIRONMENTS, REWARDS
from engine.training.data import prepare
from engine.training.hyperparameters import parameters
from engine.training.options import RECIPES, TrainOptions, checked_parts
from engine.training.weights import suggest_weights
from tests.engine.training import generated

ROOT = Path(__file__).resolve().parents[3]
TRACE = generated.trace()


@pytest.mark.parametrize("name", ALGORITHMS)
def test_every_default_lies_in_its_own_range(name: str) -> None:
    options = resolve(ALGORITHMS, name, "algorithm").options
    for one in parameters(options):
        assert one.checked(one.default) == one.default
        assert one.help


@pytest.mark.parametrize("name", ALGORITHMS)
def test_every_hyperparameter_is_refused_outside_its_range_by_that_range(name: str) -> None:
    for one in parameters(resolve(ALGORITHMS, name, "algorithm").options):
        bad = "sideways" if one.choices else (one.high or 0) * 2 + 1
        options = TrainOptions(algorithm=name, hyperparameters={one.name: bad})
        with pytest.raises(EngineError, match=re.escape(one.range)) as told:
            checked_parts(options)
        assert one.name in str(told.value)


def test_a_plain_name_goes_to_all_who_have_it_and_a_dotted_one_to_one() -> None:
    given = {"gamma": 0.5, "n_steps": 64, "dqn.learning_rate": 0.01}
    ppo, dqn = checked_parts(TrainOptions(hyperparameters=given))
    assert (ppo.given.gamma, dqn.given.gamma) == (0.5, 0.5)
    assert ppo.given.n_steps == 64
    assert (ppo.given.learning_rate, dqn.given.learning_rate) == (5e-4, 0.01)


def test_admission_has_defaults_of_its_own_that_can_be_changed() -> None:
    (part,) = checked_parts(TrainOptions(algorithm="dqn", environment="admission"))
    assert part.given.gamma == 0
    given = {"gamma": 0.9}
    options = TrainOptions(algorithm="dqn", environment="admission", hyperparameters=given)
    assert checked_parts(options)[0].given.gamma == 0.9


REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "algorithm": ({"algorithm": "pop"}, "Did you mean 'ppo'"),
    "environment": ({"environment": "slots"}, "no environment 'slots'"),
    "reward": ({"objective": "hit"}, "Did you mean 'hits'"),
    "hyperparameter": ({"hyperparameters": {"gama": 1}}, "Did you mean gamma"),
    "foreign": ({"hyperparameters": {"a2c.gamma": 1}}, "not trained here"),
    "not a number": ({"hyperparameters": {"gamma": float("nan")}}, "a number from 0 to 1"),
    "a truth": ({"hyperparameters": {"gamma": True}}, "a number from 0 to 1"),
    "half a step": ({"hyperparameters": {"n_steps": 1.5}}, "a whole number from 1"),
    "batch": ({"hyperparameters": {"ppo.batch_size": 10_000}}, "n_steps x slots = 8192"),
    "too short": ({"timesteps": 100}, "train longer or lower"),
    "never learns": ({"algorithm": "dqn", "timesteps": 4_000}, "learning_starts is 5000"),
    "timesteps": ({"timesteps": -1}, "timesteps is -1"),
    "no seeds": ({"seeds": ()}, "seeds names 0, 0 of them different; give 1 to 100"),
    "same seeds": ({"seeds": (1, 1)}, "different"),
    "device": ({"device": "tpu"}, "cpu, cuda or auto"),
    "patience": ({"patience": -1}, "patience is -1"),
    "evaluations": ({"evaluations": 0}, "evaluations is 0"),
}


@pytest.mark.parametrize(("given", "told"), REFUSED.values(), ids=REFUSED)
def test_an_absurd_option_is_refused_before_anything_starts(
    given: dict[str, Any], told: str
) -> None:
    with pytest.raises(EngineError, match=told):
        checked_parts(TrainOptions(**given))


BAD_DATA: dict[str, tuple[dict[str, Any], dict[str, Any], str]] = {
    "few": ({}, {"count": 900}, "too few to learn from"),
    "nothing held": ({"cache_size": 0}, {}, "holds nothing"),
    "negative": ({"cache_size": -5}, {}, "holds nothing"),
    "no share": ({"cache_size": "0%"}, {}, "holds nothing"),
    "all held": ({"cache_size": 1200}, {}, "nothing to choose"),
    "no size": ({"cache_size": "big"}, {}, "neither a whole number nor a share"),
    "column": ({"columns": ("colour",)}, {}, "no column 'colour'; it has: weekday, hit"),
    "twice": ({"columns": ("weekday", "weekday")}, {}, "chosen twice"),
    "metric": ({"cache_weights": {"colour": 1}}, {}, "no column 'colour' to weigh"),
    "weight": ({"cache_weights": {LOAD_TIME: -1}}, {}, "give a number from 0"),
    "weights": ({"cache_weights": {LOAD_TIME: 0}}, {}, "No cache weight is above 0"),
    "both": ({"cache_weights": {SIZE: 1}, "objective": "hits"}, {}, "exclude each other"),
    "weighted": ({"objective": "weighted"}, {}, "needs cache_weights"),
}


@pytest.mark.parametrize(("given", "made", "told"), BAD_DATA.values(), ids=BAD_DATA)
def test_data_or_a_size_of_no_use_is_refused(
    given: dict[str, Any], made: dict[str, Any], told: str
) -> None:
    trace = generated.trace(generated.requests(**made)) if made else TRACE
    with pytest.raises(EngineError, match=told):
        prepare(trace, TrainOptions(**given))


def altered(**arrays: Any) -> Any:  # noqa: ANN401 - a Trace
    return generated.trace(dataclasses.replace(TRACE.requests, **arrays))


def test_keys_without_any_reuse_or_choice_are_refused() -> None:
    n = len(TRACE.requests)
    one = altered(key=np.zeros(n, np.int32))
    with pytest.raises(EngineError, match="one key"):
        prepare(one, TrainOptions())
    each = altered(key=np.arange(n, dtype=np.int32), distinct=n)
    with pytest.raises(EngineError, match="no cache can have a hit"):
        prepare(each, TrainOptions())


@pytest.mark.parametrize("cost", [float("nan"), -1.0, float("inf")])
def test_a_cost_that_is_none_is_refused_by_its_place(cost: float) -> None:
    costs = TRACE.requests.cost.copy()
    costs[17] = cost
    with pytest.raises(EngineError, match="cost of request 17 is"):
        prepare(altered(cost=costs), TrainOptions())


def test_the_objective_follows_the_data_unless_told() -> None:
    assert prepare(TRACE, TrainOptions()).objective == "cost"
    for costs in ("modelled", "none"):
        assert prepare(generated.trace(costs=costs), TrainOptions()).objective == "hits"
    weighed = prepare(TRACE, TrainOptions(cache_weights={LOAD_TIME: 1, SIZE: 0.5, "hit": 0}))
    assert weighed.objective == "weighted"
    assert set(weighed.value.terms) == {LOAD_TIME, SIZE}


@pytest.mark.parametrize("name", REWARDS)
def test_every_reward_is_one_on_average_over_the_training_part(name: str) -> None:
    train = TRACE.requests.slice(0, 4800)
    value = resolve(REWARDS, name, "reward")(train, {LOAD_TIME: 1.0}, by_bytes=False)
    assert value.of(train).mean() == pytest.approx(1.0, rel=0.01)


def test_suggested_weights_sum_to_one_and_say_why() -> None:
    found = suggest_weights(TRACE, TRACE.requests.slice(0, 4800))
    assert [one.metric for one in found] == [LOAD_TIME, SIZE]
    assert sum(one.weight for one in found) == pytest.approx(1.0, abs=2e-3)
    assert "spread from 1 to 80 ms" in found[0].reason
    alone = suggest_weights(generated.trace(costs="none"), TRACE.requests)
    assert [(one.metric, one.weight) for one in alone] == [("hit", 1.0)]


def test_options_survive_being_a_jobs_parameters() -> None:
    options = TrainOptions(cache_size="2%", seeds=(1, 2), hyperparameters={"gamma": 0.5})
    again = msgspec.json.decode(msgspec.json.encode(options), type=TrainOptions)
    assert again == options


def test_listing_algorithms_and_their_parameters_loads_nothing_heavy() -> None:
    code = (
        "import sys; from engine.actions.training import algorithms, hyperparameters;"
        "[hyperparameters(a['name']) for a in algorithms() if a['paper']];"
        "print(' '.join(sys.modules))"
    )
    loaded = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.split()
    assert not {"torch", "numba", "stable_baselines3", "gymnasium"} & set(loaded)


def test_recipes_and_environments_name_what_there_is() -> None:
    assert {name for parts in RECIPES.values() for name in parts} <= set(ALGORITHMS)
    for name in ENVIRONMENTS:
        assert callable(resolve(ENVIRONMENTS, name, "environment"))
