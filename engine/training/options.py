"""What a person asks of a training, checked before anything starts. Loads no torch."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import msgspec

from engine.errors import TrainingError
from engine.registry import require, resolve
from engine.training import ALGORITHMS, ENVIRONMENTS, REWARDS
from engine.training.algorithm import Algorithm
from engine.training.hyperparameters import Hyperparameters

if TYPE_CHECKING:
    from engine.traces.info import TraceInfo
    from engine.traces.trace import Requests

RECIPES: dict[str, tuple[str, ...]] = {"default": ("ppo", "dqn")}
"""Name -> algorithms whose networks are trained to stand side by side under the guard."""

DEFAULTS: dict[str, dict[str, Any]] = {"admission": {"gamma": 0.0, "slots": 64}}
"""Environment -> hyperparameters that differ there: admission's reward needs no successor, and
each of its caches has a table of all keys."""

SLOT_RENT = "slot-rent"
LEAST_REQUESTS = 1000
_MOST_TIMESTEPS = 1_000_000_000
MOST_SEEDS = 100
"""Of one training."""
_MOST_SEED = 2**31


class TrainOptions(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A training as asked for; the same fields in commands, jobs and the API.

    Args:
        algorithm: a row of ALGORITHMS, or of RECIPES for several under the guard.
        environment: a row of ENVIRONMENTS.
        cache_size: results (or bytes), or a share such as "1%" of the distinct keys (or bytes).
        by_bytes: whether the capacity counts bytes.
        timesteps: decisions to learn from, for each algorithm; 0: each algorithm's own default.
        seeds: one training each.
        columns: of the trace, as features beside the base ones.
        objective: a row of REWARDS; empty: cost where it was measured, else hits.
        cache_weights: metric -> weight, for the objective "weighted".
        hyperparameters: name -> value for every algorithm that has it, or "ppo.name" for one.
        device: cpu, cuda, or auto.
        evaluations: how often the policy is tried on the validation part.
        patience: evaluations in a row without a better one that end the training; 0: never.
        name: of the models; empty: made of data and size.
        group: joins the models of one training over several jobs; empty: the job's own id.
    """

    algorithm: str = "default"
    environment: str = SLOT_RENT
    cache_size: int | str = "1%"
    by_bytes: bool = False
    timesteps: int = 0
    seeds: tuple[int, ...] = (0,)
    columns: tuple[str, ...] = ()
    objective: str = ""
    cache_weights: dict[str, float] = {}
    hyperparameters: dict[str, Any] = {}
    device: str = "cpu"
    evaluations: int = 10
    patience: int = 5
    name: str = ""
    group: str = ""


class Part(msgspec.Struct, frozen=True):
    """One algorithm of a training with its checked hyperparameters."""

    algorithm: str
    timesteps: int
    given: Any  # its own kind of Hyperparameters


def algorithms_of(name: str) -> tuple[str, ...]:
    """The algorithms behind a name.

    Raises:
        UnknownName: there is neither an algorithm nor a recipe of that name.
    """
    if name in RECIPES:
        return RECIPES[name]
    require(ALGORITHMS | dict.fromkeys(RECIPES, ""), name, "algorithm")
    return (name,)


def checked_parts(options: TrainOptions) -> tuple[Part, ...]:
    """Every algorithm asked for, with its hyperparameters.

    Raises:
        UnknownName: no such algorithm, environment or reward.
        TrainingError: an unknown hyperparameter, or a value outside its range.
    """
    names = algorithms_of(options.algorithm)
    require(ENVIRONMENTS, options.environment, "environment")
    if options.objective:
        require(REWARDS, options.objective, "reward")
    _check_numbers(options)
    made: dict[str, Algorithm[Any]] = {n: resolve(ALGORITHMS, n, "algorithm")() for n in names}
    given = {
        name: DEFAULTS.get(options.environment, {}) | _own(name, made, options.hyperparameters)
        for name in names
    }
    parts = []
    for name, algorithm in made.items():
        timesteps = options.timesteps or algorithm.timesteps
        found: Hyperparameters = algorithm.hyperparameters(given[name])
        if conflict := found.conflict(timesteps):
            raise TrainingError(f"{algorithm.title}: {conflict}.")
        parts.append(Part(name, timesteps, found))
    return tuple(parts)


def checked_objective(options: TrainOptions, info: TraceInfo, requests: Requests) -> str:
    """The reward to learn for.

    Raises:
        TrainingError: weights and objective contradict each other, or a weight says nothing.
    """
    if options.cache_weights:
        from engine.training.weights import checked_weights  # NumPy's, like the data

        if options.objective not in ("", "weighted"):
            raise TrainingError(
                f"cache_weights and the objective {options.objective!r} exclude each other; give "
                "the weights alone."
            )
        checked_weights(options.cache_weights, requests)
        return "weighted"
    if options.objective == "weighted":
        raise TrainingError("The objective weighted needs cache_weights, e.g. load_time_ms=1.")
    if options.objective:
        return options.objective
    return "cost" if info.costs == "measured" else "hits"


def weights_of(options: TrainOptions, objective: str) -> dict[str, float]:
    """The `cache_weights` that an objective comes to, as models keep them."""
    if objective == "weighted":
        return dict(options.cache_weights)
    return {"cost": {"load_time_ms": 1.0}, "bytes": {"size_bytes": 1.0}}.get(objective, {})


def _check_numbers(options: TrainOptions) -> None:
    if not 0 <= options.timesteps <= _MOST_TIMESTEPS:
        raise TrainingError(
            f"timesteps is {options.timesteps}; give a number from 1 to {_MOST_TIMESTEPS}, or 0 "
            "for the algorithm's own."
        )
    if not 1 <= len(set(options.seeds)) == len(options.seeds) <= MOST_SEEDS:
        raise TrainingError(
            f"seeds names {len(options.seeds)}, {len(set(options.seeds))} of them different; give "
            f"1 to {MOST_SEEDS} different ones."
        )
    if not all(0 <= seed < _MOST_SEED for seed in options.seeds):
        raise TrainingError(f"seeds is {list(options.seeds)}; give numbers from 0 to 2^31 - 1.")
    if not 1 <= options.evaluations <= 1000:
        raise TrainingError(f"evaluations is {options.evaluations}; give 1 to 1000.")
    if not 0 <= options.patience <= 1000:
        raise TrainingError(f"patience is {options.patience}; give 0 to 1000.")
    if options.device not in ("cpu", "cuda", "auto"):
        raise TrainingError(f"device is {options.device!r}; give cpu, cuda or auto.")


def _own(name: str, made: Mapping[str, Algorithm[Any]], given: Mapping[str, Any]) -> dict[str, Any]:
    """What of the given hyperparameters concerns one algorithm.

    A plain name goes to every algorithm that has it; if none has it, the first one says so.
    """
    own: dict[str, Any] = {}
    known = {n: set(a.options.__struct_fields__) for n, a in made.items()}
    for key, value in given.items():
        owner, dot, field = key.partition(".")
        if dot and owner not in made:
            raise TrainingError(
                f"{key!r} is for {owner!r}, which is not trained here; algorithms: "
                f"{', '.join(made)}."
            )
        if dot:
            own |= {field: value} if owner == name else {}
        elif key in known[name] or not any(key in fields for fields in known.values()):
            own[key] = value
    return own
