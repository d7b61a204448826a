"""A training from data to policies: every seed, every algorithm, the best of each kept.

One torch thread: the networks are small, and a second thread only waits for the first (measured
2 to 40 times slower beside other processes). Parallel trainings are processes of their own.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from stable_baselines3.common.logger import Logger

from engine.errors import TrainingError
from engine.registry import resolve
from engine.traces.trace import Trace
from engine.training import ALGORITHMS, ENVIRONMENTS
from engine.training.algorithm import Algorithm
from engine.training.assembling import assembled, specification
from engine.training.checkpoint import Place, Stand, fingerprint, restore
from engine.training.curves import Listener, Point
from engine.training.data import Data, prepare
from engine.training.options import Part, TrainOptions, checked_parts
from engine.training.policy import TrainedPolicy
from engine.training.validation import Validator
from engine.training.watch import Watch


@dataclass(frozen=True, slots=True)
class Trained:
    """One seed's policy.

    Args:
        policy: the best networks on the validation part, the best of them first.
        points: of its curves.
        score: the first network's value ratio on the validation part.
        seconds: that learning and trying took, in all stretches if it was interrupted.
        device: cpu or cuda.
    """

    policy: TrainedPolicy
    points: list[Point]
    score: float
    seconds: float
    device: str


def train_policy(
    trace: Trace, options: TrainOptions, listener: Listener | None = None
) -> TrainedPolicy:
    """Train one policy; with several seeds, the one that is best on the validation part.

    Raises:
        TrainingError: as `train`.
    """
    found = train(trace, options, listener)
    return max(found, key=lambda one: one.score).policy


def train(
    trace: Trace,
    options: TrainOptions,
    listener: Listener | None = None,
    folder: Path | None = None,
) -> list[Trained]:
    """Train every seed; cut short by the listener, those that have begun, with their best so far.

    Args:
        trace: whose first 40 % are learned from and next 10 % tried on; the rest is not touched.
        options: what to train.
        listener: hears how it goes.
        folder: for checkpoints; a later call with equal options goes on from there.

    Raises:
        TrainingError: there is nothing to learn, a value is absurd, or CUDA is asked for and not
            there.
    """
    torch.set_num_threads(1)
    heard = listener or Listener()
    parts = checked_parts(options)
    device = device_of(options.device)
    data = prepare(trace, options)
    heard.progress(0.0, "computing features")
    make = environments(data, options)
    run = _Run(data, options, parts, device, make, heard, folder)
    found: list[Trained] = []
    for number, seed in enumerate(options.seeds):
        if found and heard.cancelled:
            break
        found.append(run.seed(seed, number))
    return found


def device_of(wanted: str) -> str:
    """The device to learn on.

    Raises:
        TrainingError: CUDA is asked for and not there.
    """
    there = torch.cuda.is_available()
    if wanted == "cuda" and not there:
        raise TrainingError("This machine offers no CUDA device; train with device=cpu or auto.")
    return "cuda" if there and wanted != "cpu" else "cpu"


def environments(data: Data, options: TrainOptions) -> Callable[[int], Any]:
    """A function that gives the environment of so many slots, each made once."""
    make_vec = resolve(ENVIRONMENTS, options.environment, "environment")
    worth = data.value.density(data.train)
    made: dict[int, Any] = {}

    def make(slots: int) -> Any:  # noqa: ANN401 - a VecEnv with more attributes
        if slots not in made:
            made[slots] = make_vec(
                data.train, data.room, columns=options.columns, weights=worth, slots=slots
            )
        return made[slots]

    return make


@dataclass(slots=True)
class _Run:
    data: Data
    options: TrainOptions
    parts: tuple[Part, ...]
    device: str
    make: Callable[[int], Any]
    listener: Listener
    folder: Path | None

    def seed(self, seed: int, number: int) -> Trained:
        """Train all algorithms with one seed, the `number`-th of the run."""
        first = self.make(self.parts[0].given.slots)
        spec = specification(self.data, self.options, self.parts, first, seed)
        validator = Validator(self.data, spec)
        stands: dict[str, Stand] = {}
        for part in self.parts:
            if stands and self.listener.cancelled:
                break
            stands[part.algorithm] = self._learn(part, seed, validator, self._done(part, number))
        order = sorted(stands, key=lambda name: -stands[name].score)
        policy = assembled(
            spec,
            {name: stands[name].best for name in order},
            sum(stand.steps for stand in stands.values()),
            guard=len(self.parts) > 1,
        )
        points = [point for stand in stands.values() for point in stand.points]
        seconds = sum(stand.seconds for stand in stands.values())
        return Trained(policy, points, stands[order[0]].score, seconds, self.device)

    def _learn(
        self, part: Part, seed: int, validator: Validator, done: tuple[float, float]
    ) -> Stand:
        name = f"{part.algorithm}-{seed}"
        place = Place(self.folder, fingerprint(self.data, self.options, part), name)
        stand, tensors = place.load()
        if stand.finished:
            return stand
        begun = time.monotonic() - stand.seconds
        algorithm: Algorithm[Any] = resolve(ALGORITHMS, part.algorithm, "algorithm")()
        env = self.make(part.given.slots)
        # Not the same starts again after a break.
        model = algorithm.build(env, part.given, seed + stand.steps, self.device)
        # The library's own logger would leave a folder in the system's temporary one every time.
        model.set_logger(Logger(None, []))
        if tensors:
            restore(model, tensors, stand.steps)
        else:
            self._warm(algorithm, model, env, part)
        watch = Watch(
            algorithm, part, self.options, seed, stand, place, validator, self.listener, done, begun
        )
        model.learn(
            part.timesteps - stand.steps,
            callback=watch,
            log_interval=1_000_000_000,
            reset_num_timesteps=not tensors,
        )
        if not self.listener.cancelled:
            watch.finish()
        return stand

    def _warm(self, algorithm: Algorithm[Any], model: Any, env: Any, part: Part) -> None:  # noqa: ANN401
        if part.given.warm_start <= 0 or env.rent_at < 0:
            return
        from engine.training.warm import warm_start

        for layers in algorithm.networks(model):
            warm_start(layers, env, part.given.warm_start)

    def _done(self, part: Part, number: int) -> tuple[float, float]:
        """Share of the run before a part of its `number`-th seed, and the part's own."""
        each = sum(one.timesteps for one in self.parts)
        whole = each * len(self.options.seeds)
        before = sum(one.timesteps for one in self.parts[: self.parts.index(part)])
        return (number * each + before) / whole, part.timesteps / whole
