"""What a hit is worth to the agent: one function a reward, listed in `engine.training.REWARDS`.

A reward of one's own is one function with this signature and one row of that table; whatever it
counts must be a metric of the trace (its load time, its size, or any further column).
"""

from __future__ import annotations

from collections.abc import Mapping

from engine.cache.value import LOAD_TIME, SIZE, HitValue, fit_value
from engine.traces.trace import Requests
from engine.training.weights import checked_weights


def hits(train: Requests, weights: Mapping[str, float], *, by_bytes: bool) -> HitValue:
    """Every hit counts the same: the agent learns for the hit ratio.

    Args:
        train: the training part; scales come of it alone.
        weights: `cache_weights`, of no account here.
        by_bytes: whether the capacity counts bytes; a hit then has to earn the space it takes.
    """
    del weights
    return fit_value(train, {}, by_bytes=by_bytes)


def cost(train: Requests, weights: Mapping[str, float], *, by_bytes: bool) -> HitValue:
    """A hit is worth the load time it saves, over its training mean; arguments as `hits`."""
    del weights
    return fit_value(train, {LOAD_TIME: 1.0}, by_bytes=by_bytes)


def size(train: Requests, weights: Mapping[str, float], *, by_bytes: bool) -> HitValue:
    """A hit is worth its bytes: the agent learns for the byte hit ratio; arguments as `hits`."""
    del weights
    return fit_value(train, {SIZE: 1.0}, by_bytes=by_bytes)


def weighted(train: Requests, weights: Mapping[str, float], *, by_bytes: bool) -> HitValue:
    """A hit is worth the sum of weight x metric over the metric's training mean.

    Raises:
        TrainingError: no such metric, or weights that say nothing.
    """
    return fit_value(train, checked_weights(weights, train), by_bytes=by_bytes)
