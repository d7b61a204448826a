"""What a person can do about training: train, ask what may be set and what it weighs.

Works without a running engine. torch is loaded only by what trains, numba only by what replays.
"""

from __future__ import annotations

import shutil
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from db.queries import training as kept_curves
from engine.actions.job_rows import start_job
from engine.actions.models import model_store
from engine.actions.store import audited, given
from engine.actions.trace_data import trace_for
from engine.actions.training_folders import checkpoints
from engine.cache import POLICIES
from engine.errors import EvaluationCancelled
from engine.execution.base import Executor, Order
from engine.execution.local import LocalExecutor
from engine.registry import resolve
from engine.settings import Settings
from engine.training import ALGORITHMS
from engine.training.curves import Listener
from engine.training.hyperparameters import parameters
from engine.training.options import RECIPES, TrainOptions, checked_parts

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from engine.traces.trace import Trace
    from engine.training.policy import TrainedPolicy

EVALUATING = 0.3
"""Share of a training's progress that its evaluation gets."""


class TrainWanted(TrainOptions, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A training with its data: the parameters of the job "train" as well.

    Args:
        trace: name of a stored trace, or a file of any known format; or
        source: one of our sources, whose rows become a trace first.
        limit: use the first so many requests alone; 0: all.
        evaluated: whether the policies are judged at once on the test part.
    """

    trace: str = ""
    source: str = ""
    limit: int = 0
    evaluated: bool = True


def train_models(
    wanted: TrainWanted,
    who: str = "terminal",
    settings: Settings | None = None,
    listener: Listener | None = None,
    run: str = "",
    executor: Executor | None = None,
) -> dict[str, Any] | None:
    """Train here and now, judge, and register one model a seed; cancelled, the best so far.

    Args:
        wanted: what to train on what.
        who: asked for it.
        settings: whose data folder and store.
        listener: hears how it goes; None from it as `kept` leaves the checkpoint for later.
        run: id of an interrupted training to go on with; empty: a new one.
        executor: where it is computed; None: here.

    Returns:
        Numbers of the models, the best of them, and the evaluation; None when it was interrupted
        to go on later.

    Raises:
        TraceError: the data cannot be read.
        TrainingError: there is nothing to learn, or a value is absurd.
        ModelError: the models cannot be kept.
    """
    known = given(settings)
    run = run or uuid.uuid4().hex
    checked_parts(wanted)
    heard, computer = listener or Listener(), executor or LocalExecutor()
    with audited(known, who, "train", _changed(wanted)), model_store(known) as store:
        trace = trace_for(wanted.trace, wanted.source, wanted.limit, who, known)
        with checkpoints(known, store, run, heard) as folder:
            learned = learn(trace, wanted, run, heard, folder, computer)
            if heard.interrupted:
                return None
            numbers = keep(store, known, learned, wanted)
            shutil.rmtree(folder, ignore_errors=True)
    return {
        "run": run,
        "models": numbers,
        "best": numbers[learned.best],
        "validation": [one["score"] for one in learned.trained],
        "cancelled": heard.cancelled,
        "evaluation": learned.evaluation,
    }


@dataclass(frozen=True, slots=True)
class Learned:
    """What a training came to, not registered yet.

    Args:
        policies: one a seed.
        trained: of each policy, what `engine.execution.work.train` tells.
        evaluation: of all of them; empty where none was wanted, or it was cancelled.
    """

    policies: list[TrainedPolicy]
    trained: list[dict[str, Any]]
    evaluation: dict[str, Any]

    @property
    def best(self) -> int:
        """Place of the policy that is best on the validation part."""
        return max(range(len(self.trained)), key=lambda at: float(self.trained[at]["score"]))


def learn(
    trace: Trace, wanted: TrainWanted, run: str, heard: Listener, folder: Path, executor: Executor
) -> Learned:
    """Train on a trace and judge, with checkpoints in a folder; cut short, the best so far.

    Raises:
        TrainingError: as `train_models`.
    """
    staged = Stage(heard, 0.0, 1.0 - EVALUATING if wanted.evaluated else 1.0)
    order = Order("train", trace, msgspec.to_builtins(_options(wanted, run)), folder=folder)
    done = executor.run(order, staged)
    told = _judged(trace, done.policies, wanted, heard, executor)
    return Learned(done.policies, done.told["trained"], told)


def keep(store: Engine, settings: Settings, learned: Learned, wanted: TrainWanted) -> list[int]:
    """Register what was learned; returns the models' numbers, one a policy.

    Raises:
        ModelError: the models cannot be kept.
    """
    from engine.models.registry import register
    from engine.training.curves import Point, as_curves

    return [
        register(
            store,
            settings,
            _sourced(policy, wanted),
            learned.evaluation,
            as_curves(msgspec.convert(one["points"], list[Point])),
            name=wanted.name,
            device=one["device"],
            seconds=one["seconds"],
        )
        for policy, one in zip(learned.policies, learned.trained, strict=True)
    ]


def start_training(
    wanted: TrainWanted,
    at_once: bool = False,
    who: str = "terminal",
    settings: Settings | None = None,
) -> list[str]:
    """Start a training as a job; `at_once`: one job a seed, side by side. Returns their ids.

    Raises:
        ControlError: no engine runs, or too many jobs run.
        TrainingError: a value is absurd; nothing starts.
    """
    checked_parts(wanted)
    if not at_once or len(wanted.seeds) == 1:
        return [start_job("train", _changed(wanted), who, settings)]
    group = uuid.uuid4().hex
    each = [msgspec.structs.replace(wanted, seeds=(s,), group=group) for s in wanted.seeds]
    return [start_job("train", _changed(one), who, settings) for one in each]


def hyperparameters(algorithm: str) -> list[dict[str, Any]]:
    """What may be set of an algorithm: name, kind, default, range, meaning.

    Raises:
        UnknownName: there is no such algorithm.
    """
    options = resolve(ALGORITHMS, algorithm, "algorithm").options
    return [msgspec.to_builtins(one) | {"range": one.range} for one in parameters(options)]


def algorithms() -> list[dict[str, Any]]:
    """Every algorithm and recipe: name, title, paper, default number of timesteps."""
    found = []
    for name in ALGORITHMS:
        one = resolve(ALGORITHMS, name, "algorithm")
        found.append(
            {"name": name, "title": one.title, "paper": one.paper, "timesteps": one.timesteps}
        )
    joined = {name: " + ".join(part.upper() for part in parts) for name, parts in RECIPES.items()}
    return [
        {"name": name, "title": f"{title} under a guard", "paper": "", "timesteps": 0}
        for name, title in joined.items()
    ] + found


def suggested_weights(
    trace: str, limit: int = 0, settings: Settings | None = None
) -> list[dict[str, Any]]:
    """`cache_weights` derived from the training part of a trace, each with its reason.

    Raises:
        TraceError: there is no such trace.
    """
    from engine.traces.split import split
    from engine.training.weights import suggest_weights

    known = given(settings)
    opened = trace_for(trace, "", limit, "", known)
    found = suggest_weights(opened, split(opened.requests).train)
    return [dict(msgspec.to_builtins(one)) for one in found]


def curves(run: str, settings: Settings | None = None) -> list[dict[str, Any]]:
    """The points of a training's curves so far; `run` is its job's id."""
    with model_store(given(settings)) as store:
        return kept_curves.points(store, run)


class Stage(Listener):
    """A listener for one stage of several: its progress is a part of the whole's."""

    def __init__(self, heard: Listener, start: float, share: float) -> None:
        self._heard, self._start, self._share = heard, start, share
        self.point = heard.point  # type: ignore[method-assign]

    @property
    def cancelled(self) -> bool:
        """As the whole."""
        return self._heard.cancelled

    @property
    def interrupted(self) -> bool:
        """As the whole."""
        return self._heard.interrupted

    def progress(self, fraction: float, message: str) -> None:
        """Hand on, scaled."""
        self._heard.progress(self._start + self._share * fraction, message)


def _judged(
    trace: Trace,
    policies: list[TrainedPolicy],
    wanted: TrainWanted,
    heard: Listener,
    executor: Executor,
) -> dict[str, Any]:
    """The evaluation of what was trained; none when cancelled, until its end, or not wanted."""
    if heard.cancelled or not wanted.evaluated:
        return {}
    asked = {"capacities": (), "classics": tuple(POLICIES)}
    stage = Stage(heard, 1.0 - EVALUATING, EVALUATING)
    try:
        return executor.run(Order("evaluate", trace, asked, policies), stage).told
    except EvaluationCancelled:
        return {}


def _options(wanted: TrainWanted, run: str) -> TrainOptions:
    fields = {name: getattr(wanted, name) for name in TrainOptions.__struct_fields__}
    return TrainOptions(**{**fields, "group": wanted.group or run})


def _sourced(policy: TrainedPolicy, wanted: TrainWanted) -> TrainedPolicy:
    """The policy, told where its trace came from, so that it can be judged on it again."""
    from engine.training.policy import TrainedPolicy

    asked = str(Path(wanted.trace).resolve()) if Path(wanted.trace).is_file() else wanted.trace
    data = policy.spec.data | {"asked": asked, "limit": wanted.limit}
    return TrainedPolicy(msgspec.structs.replace(policy.spec, data=data), policy.networks)


def _changed(wanted: TrainWanted) -> dict[str, Any]:
    """What differs from the defaults, as a job's parameters."""
    defaults = type(wanted)()
    told = msgspec.to_builtins(wanted)
    return {
        name: told[name]
        for name in wanted.__struct_fields__
        if getattr(wanted, name) != getattr(defaults, name)
    }
