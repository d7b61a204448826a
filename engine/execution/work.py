"""The computing itself, wherever it is done: it reads no store, and writes checkpoints alone."""

from __future__ import annotations

from typing import Any

import msgspec

from engine.execution.base import Order, Outcome
from engine.training.curves import Listener


def train(order: Order, listener: Listener) -> Outcome:
    """Train as the `TrainOptions` in the options say; one policy a seed.

    Returns:
        `trained`: of each policy, everything of a `Trained` but the policy.

    Raises:
        TrainingError: as `engine.training.run.train`.
    """
    from engine.training.options import TrainOptions
    from engine.training.run import train as learn

    options = msgspec.convert(order.options, TrainOptions)
    found = learn(order.trace, options, listener, order.folder)
    told = [
        {
            "points": msgspec.to_builtins(one.points),
            "score": one.score,
            "seconds": one.seconds,
            "device": one.device,
        }
        for one in found
    ]
    return Outcome({"trained": told}, [one.policy for one in found])


def evaluate(order: Order, listener: Listener) -> Outcome:
    """Judge the policies at `capacities` beside `classics`; returns the evaluation as JSON.

    Raises:
        TrainingError: as `engine.training.evaluation.evaluate`.
    """
    from engine.training.evaluation import evaluate as judge

    asked = order.options
    found = judge(order.trace, order.policies, asked["capacities"], asked["classics"], listener)
    return Outcome(as_told(found))


def curves(order: Order, listener: Listener) -> Outcome:
    """Miss ratio curves by every figure; the options are those of `engine.cache.curves.drawn`.

    Raises:
        PolicyError: as `engine.cache.curve.curve`.
    """
    from engine.cache.curves import drawn

    def beat(share: float, message: str) -> bool:
        listener.progress(share, message)
        return listener.cancelled

    return Outcome(drawn(order.trace, **order.options, beat=beat))


def as_told(evaluation: Any) -> dict[str, Any]:  # noqa: ANN401 - engine.training.results.Evaluation
    """An evaluation as JSON; NaN is null."""
    from engine.models.registry import plain

    told: dict[str, Any] = plain(msgspec.to_builtins(evaluation))
    return told
