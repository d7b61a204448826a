"""Training a model anew on newer requests, and letting it take over where it is ahead.

A network's weights are frozen once it is trained; requests change. What a policy learns online (the
reuse tables, the guard's choice) follows them by itself, the rest by this.
"""

from __future__ import annotations

import shutil
import uuid
from typing import Any

import msgspec

from engine.actions.models import model_store
from engine.actions.store import audited, given
from engine.actions.trace_data import trace_for
from engine.actions.training import Stage, TrainWanted, keep, learn
from engine.actions.training_folders import checkpoints
from engine.errors import EvaluationCancelled, ModelError
from engine.execution.base import Executor, Order
from engine.execution.local import LocalExecutor
from engine.settings import Settings
from engine.training.curves import Listener

_TRAINING = 0.9
"""Share of the progress that training and judging the new model get."""


class RenewWanted(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A model to train anew: the parameters of the job "renew" as well.

    Args:
        model: number or alias; an alias moves to the new model where that is ahead.
        source: one of our sources, whose rows are the newer requests; or
        trace: a stored trace, or a file.
    """

    model: int | str = "champion"
    source: str = ""
    trace: str = ""


def renew_model(
    wanted: RenewWanted,
    who: str = "terminal",
    settings: Settings | None = None,
    listener: Listener | None = None,
    run: str = "",
    executor: Executor | None = None,
) -> dict[str, Any] | None:
    """Train by the model's own recipe on newer requests; both are judged on the newest half.

    If the old model has seen some of that half in its own training, that is to its advantage.

    Returns:
        `model` (the new one) and `before`, the figure `metric` of both (`after`, `was`), whether
        the alias moved (`promoted`), and a sentence (`told`); None when it was cancelled or
        interrupted: then nothing is registered, as a policy half trained replaces none.

    Raises:
        ModelError: there is no such model, or it learns nothing (an index).
        TraceError: the requests cannot be read.
        TrainingError: there is nothing to learn.
    """
    from engine.models import aliases, registry

    computer = executor or LocalExecutor()
    known, heard = given(settings), listener or Listener()
    params = msgspec.structs.asdict(wanted)
    with audited(known, who, "renew", params), model_store(known) as store:
        number = registry.number_of(store, wanted.model)
        old = registry.load(store, known, number)
        trace = trace_for(wanted.trace, wanted.source, 0, who, known)
        asked = wanted.trace or trace.info.name
        recipe = recipe_of(old.spec, asked)
        run = run or uuid.uuid4().hex
        with checkpoints(known, store, run, heard) as folder:
            training = Stage(heard, 0.0, _TRAINING)
            learned = learn(trace, recipe, run, training, folder, computer)
            shutil.rmtree(folder, ignore_errors=True)
        order = Order("evaluate", trace, {"capacities": (), "classics": ()}, [old])
        try:
            judged = computer.run(order, Stage(heard, _TRAINING, 1.0 - _TRAINING)).told
        except EvaluationCancelled:
            return None
        if heard.cancelled:
            return None
        new = keep(store, known, learned, recipe)[0]
        metric = learned.evaluation["metric"]
        was = judged["scores"][0][metric]
        scores = learned.evaluation["scores"]
        after = next(score[metric] for score in scores if score["policy"] == "learned")
        told = (
            f"{metric.replace('_', ' ')} {after:.4f} with the new model {new}, "
            f"{was:.4f} with model {number}, on the newest {judged['judged']:,} requests"
        )
        promoted = isinstance(wanted.model, str) and after > was
        if promoted:
            aliases.promote(store, known, new, str(wanted.model), who, told)
    return {
        "model": new,
        "before": number,
        "metric": metric,
        "after": after,
        "was": was,
        "promoted": promoted,
        "told": told + (f"; it is {wanted.model} now" if promoted else ""),
    }


def recipe_of(spec: Any, asked: str) -> TrainWanted:  # noqa: ANN401 - the module of PolicySpec is lazy
    """What a policy was trained with, on another trace.

    Raises:
        ModelError: it was not trained at all.
    """
    names = [algorithm for algorithm in spec.algorithms.values() if algorithm]
    if not names:
        raise ModelError(
            "The model is the reuse index alone, which learns online and is never trained; renew "
            "one that was trained."
        )
    hyperparameters = {
        f"{algorithm}.{name}": value
        for algorithm, values in spec.hyperparameters.items()
        for name, value in values.items()
    }
    return TrainWanted(
        trace=asked,
        algorithm="default" if len(names) > 1 else names[0],
        environment=spec.environment,
        timesteps=int(spec.data.get("timesteps", 0)),
        cache_size=spec.capacity,
        by_bytes=spec.by_bytes,
        seeds=(spec.seed,),
        columns=spec.columns,
        objective="weighted" if spec.objective == "weighted" else spec.objective,
        cache_weights=spec.cache_weights if spec.objective == "weighted" else {},
        hyperparameters=hyperparameters,
    )
