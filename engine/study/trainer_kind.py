"""Studying the trainer: each run trains one policy; the validation part says how good it is.

The test part is never looked at: what a study chose would then be chosen by it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import msgspec

from engine.cache import POLICIES
from engine.errors import StudyError
from engine.registry import resolve
from engine.settings import Settings
from engine.study.base import Beat, Figure, Kind, Result, Stopped, Study, thinned
from engine.study.spaces import Config, Parameter
from engine.training import ALGORITHMS, ENVIRONMENTS, REWARDS
from engine.training.curves import Listener, Point
from engine.training.hyperparameters import parameters
from engine.training.options import RECIPES, TrainOptions, checked_parts

if TYPE_CHECKING:
    from engine.training.policy import TrainedPolicy

WEIGHT = "weight."
METRICS = ("load_time_ms", "size_bytes", "hit")
REFERENCES = ("lru", "lfu", "gdsf", "sieve", "wtinylfu")

FIELDS: dict[str, tuple[str, tuple[Any, ...]]] = {
    "algorithm": ("What learns", (*ALGORITHMS, *RECIPES)),
    "environment": ("What is learned in", tuple(ENVIRONMENTS)),
    "objective": ("What a hit is worth", tuple(REWARDS)),
}
FREE: dict[str, str] = {
    "cache_size": "Results, or a share such as 1%",
    "columns": "Features beside the base ones, joined by +",
}


class Options(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Options of a trainer study: a stored trace (or file) or a source, and how much of it."""

    trace: str = ""
    source: str = ""
    limit: int = 0


class TrainerKind(Kind):
    """Algorithms, hyperparameters, features and reward weights of the trainer."""

    objective = Figure("Value ratio on validation", ".4f")
    curve = ("Decisions learned from", "Value ratio on validation")
    figures: Mapping[str, Figure] = {
        "hit_ratio": Figure("Hit ratio on validation", ".2%"),
        "steps": Figure("Decisions", ",.0f"),
        "seconds": Figure("Training, s", ",.1f"),
    }

    @classmethod
    def parameters(cls) -> dict[str, Parameter]:
        """Fields of a training, weights, and the hyperparameters of every algorithm."""
        plain = TrainOptions()
        found = {
            name: Parameter(name, getattr(plain, name), help_, choices=choices)
            for name, (help_, choices) in FIELDS.items()
        }
        found |= {name: Parameter(name, "", help_, free=True) for name, help_ in FREE.items()}
        found["timesteps"] = Parameter(
            "timesteps", 0, "Decisions to learn from", 0, 1_000_000_000, whole=True
        )
        for metric in METRICS:
            found[WEIGHT + metric] = Parameter(
                WEIGHT + metric, 0.0, f"Weight of {metric} in the reward", 0.0, 1e6
            )
        for algorithm in ALGORITHMS:
            for one in parameters(resolve(ALGORITHMS, algorithm, "algorithm").options):
                name = one.name if one.name not in found else f"{algorithm}.{one.name}"
                shared = Parameter(
                    name, one.default, one.help, one.low, one.high, one.choices, one.kind == "int"
                )
                found.setdefault(one.name, shared)
                found[f"{algorithm}.{one.name}"] = msgspec.structs.replace(
                    shared, name=f"{algorithm}.{one.name}"
                )
        return found

    def __init__(self, settings: Settings, store: Any) -> None:  # noqa: ANN401 - an Engine
        super().__init__(settings, store)
        self._trace: tuple[Options, Any] | None = None

    def checked(self, options: Mapping[str, Any], config: Config) -> dict[str, Any]:
        """See that there is a trace and that the configuration can be trained on it."""
        from engine.training.data import prepare

        given, wanted = _options(options), train_options(config, 0)
        checked_parts(wanted)
        prepare(self._opened(given), wanted)
        told: dict[str, Any] = msgspec.to_builtins(given)
        return told

    def references(self, study: Study, beat: Beat) -> dict[str, float]:
        """Value ratio of some classics on the same part; none where the cache's size varies."""
        from engine.training.data import prepare
        from engine.training.validation import judged_parts

        if any(axis.name == "cache_size" for axis in study.axes):
            return {}
        trace = self._opened(_options(study.options))
        data = prepare(trace, _yardstick(study, train_options(study.fixed, 0)))
        warm, judged = judged_parts(data)
        value = data.value.of(judged)
        found: dict[str, float] = {}
        for name in REFERENCES:
            if name not in POLICIES:
                continue
            if beat():
                raise Stopped
            policy = resolve(POLICIES, name, "policy")()
            replay = policy.start_for(data.room, data.seen, 0)
            replay.feed(warm)
            found[policy.title] = float(value[replay.feed(judged)].sum() / value.sum())
        return found

    def run(self, study: Study, config: Config, seed: int, beat: Beat) -> Result:
        """One training."""
        from engine.training.run import train

        options = train_options(study.fixed | config, seed)
        trace = self._opened(_options(study.options))
        heard = _Heard(beat)
        trained = train(trace, options, heard)[0]
        if heard.stopped:
            raise Stopped
        # Of several algorithms the best one counts, so their curves are joined at each step.
        best: dict[int, float] = {}
        for point in trained.points:
            if point.value_ratio is not None:
                best[point.steps] = max(point.value_ratio, best.get(point.steps, 0.0))
        hits = [point.hit_ratio for point in trained.points if point.hit_ratio is not None]
        figures = {
            "hit_ratio": max(hits, default=0.0),
            "steps": float(max((point.steps for point in trained.points), default=0)),
            "seconds": trained.seconds,
        }
        curve = thinned([(float(step), best[step]) for step in sorted(best)])
        score = trained.score
        if any(axis.name == "objective" or axis.name.startswith(WEIGHT) for axis in study.axes):
            score = _judged(trained.policy, trace, _yardstick(study, options))
        return Result(score, figures, curve)

    def _opened(self, options: Options) -> Any:  # noqa: ANN401 - a Trace
        from engine.actions.trace_data import trace_for

        if self._trace is None or self._trace[0] != options:
            trace = trace_for(options.trace, options.source, options.limit, "study", self.settings)
            self._trace = options, trace
        return self._trace[1]


def train_options(config: Mapping[str, Any], seed: int) -> TrainOptions:
    """The training that a configuration means.

    Raises:
        StudyError: a value has the wrong form.
    """
    fields: dict[str, Any] = {"seeds": (seed,)}
    hyperparameters: dict[str, Any] = {}
    weights: dict[str, float] = {}
    for name, value in config.items():
        if name.startswith(WEIGHT):
            weights |= {name.removeprefix(WEIGHT): float(value)} if value else {}
        elif name == "columns":
            fields[name] = tuple(part for part in str(value).split("+") if part)
        elif name in TrainOptions.__struct_fields__:
            fields[name] = value
        else:
            hyperparameters[name] = value
    try:
        return msgspec.convert(
            {**fields, "cache_weights": weights, "hyperparameters": hyperparameters}, TrainOptions
        )
    except msgspec.ValidationError as error:
        raise StudyError(f"This configuration cannot be trained: {error}.") from None


def _yardstick(study: Study, options: TrainOptions) -> TrainOptions:
    """The same training as judged: what a hit is worth is one thing in all of a study."""
    plain = train_options(study.fixed, 0)
    worth = plain.objective if plain.cache_weights or plain.objective != "weighted" else ""
    return msgspec.structs.replace(options, objective=worth, cache_weights=plain.cache_weights)


def _judged(policy: TrainedPolicy, trace: Any, options: TrainOptions) -> float:  # noqa: ANN401
    """Value ratio of a policy's best network on the validation part, whatever it learned for."""
    from engine.training.data import prepare
    from engine.training.validation import Validator

    name, network = next(iter(policy.networks.items()))
    ratios = Validator(prepare(trace, options), policy.spec).ratios(name, network)
    assert ratios is not None  # noqa: S101 - only who is cancelled gives none
    return ratios[1]


class _Heard(Listener):
    """Collects nothing; asks the worker whether to go on."""

    def __init__(self, beat: Beat) -> None:
        self._beat = beat
        self.stopped = False

    @property
    def cancelled(self) -> bool:
        """Whether the run should end."""
        self.stopped = self.stopped or self._beat()
        return self.stopped

    def progress(self, fraction: float, message: str) -> None:
        """Look as well while features are computed."""
        _ = fraction, message, self.cancelled

    def point(self, point: Point) -> None:
        """Look as well at each point."""
        _ = point, self.cancelled


def _options(given: Mapping[str, Any]) -> Options:
    try:
        options = msgspec.convert(dict(given), Options)
    except msgspec.ValidationError as error:
        raise StudyError(f"This study cannot be asked for: {error}.") from None
    if bool(options.trace) == bool(options.source):
        raise StudyError("A trainer study needs data; name one of: a trace (or a file), a source.")
    return options
