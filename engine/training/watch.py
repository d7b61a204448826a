"""Watching stable-baselines3 learn: curves, validation, the best so far, the end."""

from __future__ import annotations

import time
from typing import Any

from stable_baselines3.common.callbacks import BaseCallback

from engine.training.algorithm import Algorithm
from engine.training.checkpoint import Place, Stand
from engine.training.curves import Listener, Point
from engine.training.extract import extract
from engine.training.network import Network
from engine.training.options import Part, TrainOptions
from engine.training.validation import Validator

POINT_S = 1.0
"""A point between two evaluations is told at most this often."""
CHECKPOINT_S = 30.0


MARGIN = 0.001
"""A later policy replaces the best one unless it is worse by more than this: trials are noisy, and
the later one has settled further."""


class Watch(BaseCallback):
    """Looks up after every step of all slots; ends the training when asked or when it gets worse.

    Args:
        algorithm: that learns.
        part: its steps and hyperparameters.
        options: of the training.
        seed: of the training.
        stand: where it stands; kept up to date.
        place: where that is kept.
        validator: tries the policy.
        listener: is told, and asked whether to stop.
        done: share of the whole training before this part, and this part's own share.
        begun: when it would have begun, had it never been interrupted (`time.monotonic`).
    """

    def __init__(
        self,
        algorithm: Algorithm[Any],
        part: Part,
        options: TrainOptions,
        seed: int,
        stand: Stand,
        place: Place,
        validator: Validator,
        listener: Listener,
        done: tuple[float, float],
        begun: float,
    ) -> None:
        super().__init__()
        self._algorithm, self._part, self._seed = algorithm, part, seed
        self._patience = options.patience
        self._every = max(1, part.timesteps // options.evaluations)
        self._stand, self._place, self._validator = stand, place, validator
        self._listener, self._done, self._begun = listener, done, begun
        self._rewards, self._steps = 0.0, 0
        self._next = 0
        self._rate = 0.0

    def _on_training_start(self) -> None:
        self._next = (self.num_timesteps // self._every + 1) * self._every
        if self._stand.best is None:
            self._evaluate()
        self._pointed = self._kept = time.monotonic()
        self._from = self.num_timesteps

    def _on_step(self) -> bool:
        self._rewards += float(self.locals["rewards"].mean())
        self._steps += 1
        now = time.monotonic()
        if self._listener.cancelled:
            self._keep(now)
            return False
        if self.num_timesteps >= self._next:
            return self._judge()
        if now - self._pointed >= POINT_S:
            self._tell(self._point())
        if now - self._kept >= CHECKPOINT_S:
            self._keep(now)
        return True

    def finish(self) -> None:
        """Try what was learned last, unless that was just done, and mark the part as finished."""
        if self._steps:
            self._evaluate()
        self._stand.finished = True
        self._keep(time.monotonic())

    def _judge(self) -> bool:
        """Evaluate; False when the training has stopped getting better."""
        self._next = (self.num_timesteps // self._every + 1) * self._every
        self._evaluate()
        stand, now = self._stand, time.monotonic()
        stopping = 0 < self._patience <= stand.worse
        self._pointed = now  # an evaluation is no time of learning
        self._keep(now)
        return not stopping

    def _evaluate(self) -> None:
        stand, name = self._stand, self._algorithm.name
        network = extract(self._algorithm, self.model, self.training_env)
        point = self._point() if self._steps else self._first()
        tried = self._validator.ratios(name, network, lambda: self._listener.cancelled)
        if tried is None:
            self._keep_untried(network)
            return
        hit_ratio, value_ratio = tried
        better = value_ratio >= stand.peak - MARGIN
        stand.peak = max(stand.peak, value_ratio)
        if better:
            stand.best, stand.score, stand.worse = network, value_ratio, 0
        else:
            stand.worse += 1
        told = {"hit_ratio": hit_ratio, "value_ratio": value_ratio, "best": better}
        self._tell(Point(**{**_fields(point), **told}))

    def _keep_untried(self, network: Network) -> None:
        """Cancelled before the first trial has ended: there is no better one to keep."""
        if self._stand.best is None:
            self._stand.best = network

    def _first(self) -> Point:
        return Point(
            seed=self._seed,
            algorithm=self._algorithm.name,
            steps=self.num_timesteps,
            at=time.time(),
        )

    def _point(self) -> Point:
        seconds = time.monotonic() - self._pointed
        if seconds > 0:
            rate = (self.num_timesteps - self._from) / seconds
            self._rate += (rate - self._rate) * (0.3 if self._rate else 1.0)
        figures = {k: float(v) for k, v in self.model.logger.name_to_value.items()}
        point = Point(
            seed=self._seed,
            algorithm=self._algorithm.name,
            steps=self.num_timesteps,
            at=time.time(),
            reward=self._rewards / max(1, self._steps),
            loss=self._algorithm.loss(figures),
            exploration=self._algorithm.exploration(self.model),
            steps_per_s=self._rate,
        )
        self._rewards, self._steps, self._from = 0.0, 0, self.num_timesteps
        return point

    def _tell(self, point: Point) -> None:
        self._pointed = time.monotonic()
        stand = self._stand
        stand.steps = point.steps
        stand.points.append(point)
        self._listener.point(point)
        before, own = self._done
        speed = f" at {self._rate:,.0f}/s" if self._rate else ""
        self._listener.progress(
            before + own * min(1.0, point.steps / self._part.timesteps),
            f"{self._algorithm.title}, seed {self._seed}: {point.steps:,} of "
            f"{self._part.timesteps:,} steps{speed}, validation "
            f"{stand.score:.4f}",
        )

    def _keep(self, now: float) -> None:
        self._kept = now
        self._stand.steps = self.num_timesteps
        self._stand.seconds = now - self._begun
        self._place.save(self._stand, self.model)


def _fields(point: Point) -> dict[str, Any]:
    return {name: getattr(point, name) for name in point.__struct_fields__}
