"""What a training tells while it runs: points of its curves, and who listens."""

from __future__ import annotations

from typing import Any

import msgspec


class Point(msgspec.Struct, frozen=True, kw_only=True):
    """How a training stood after so many steps.

    Args:
        seed: of this training.
        algorithm: that learns.
        steps: decisions learned from.
        at: epoch seconds.
        hit_ratio: on the validation part; None between two evaluations.
        value_ratio: share of the value of all validation requests that were hits; what the best
            is chosen by.
        reward: mean of a decision since the last point.
        loss: of the last update.
        exploration: share of random actions, or entropy in nats.
        steps_per_s: since the last point, evaluations left out.
        best: whether this one was kept: no earlier evaluation was clearly better.
    """

    seed: int
    algorithm: str
    steps: int
    at: float
    hit_ratio: float | None = None
    value_ratio: float | None = None
    reward: float | None = None
    loss: float | None = None
    exploration: float | None = None
    steps_per_s: float | None = None
    best: bool = False


class Listener:
    """Hears how a training goes and says when to stop. This one hears nothing."""

    @property
    def cancelled(self) -> bool:
        """Whether to end now and keep the best so far."""
        return False

    @property
    def interrupted(self) -> bool:
        """Whether it is to end now only to go on later: nothing is registered then."""
        return False

    def progress(self, fraction: float, message: str) -> None:
        """Told how much is done (0 to 1) and what goes on."""

    def point(self, point: Point) -> None:
        """Told a point of the curves."""


def as_curves(points: list[Point]) -> dict[str, Any]:
    """The curves of one model as the registry keeps them: per algorithm, by name."""
    curves: dict[str, Any] = {}
    for field in ("hit_ratio", "value_ratio", "reward", "loss", "exploration", "steps_per_s"):
        curves[field] = [
            {"algorithm": p.algorithm, "steps": p.steps, "value": getattr(p, field)}
            for p in points
            if getattr(p, field) is not None
        ]
    return curves
