"""`cache_weights`: metric -> weight, checked, and suggested from the data with the reasons."""

from __future__ import annotations

import math
from collections.abc import Mapping

import msgspec
import numpy as np
from numpy.typing import NDArray

from engine.cache.value import HIT, LOAD_TIME, SIZE, metric
from engine.errors import TrainingError
from engine.traces.trace import Requests, Trace

_EQUAL = 0.05
_MOST = 1e6


class Suggestion(msgspec.Struct, frozen=True):
    """A suggested weight of one metric, and why."""

    metric: str
    weight: float
    reason: str


def checked_weights(weights: Mapping[str, float], requests: Requests) -> dict[str, float]:
    """The weights above zero.

    Raises:
        TrainingError: an unknown metric, a weight that is no number from 0 on, or none above 0.
    """
    for name, weight in weights.items():
        if isinstance(weight, bool) or not isinstance(weight, int | float):
            raise TrainingError(f"The weight of {name!r} is {weight!r}; give a number from 0 on.")
        if not math.isfinite(weight) or not 0 <= weight <= _MOST:
            raise TrainingError(
                f"The weight of {name!r} is {weight!r}; give a number from 0 to {_MOST:g}."
            )
        metric(requests, name)
    kept = {name: float(weight) for name, weight in weights.items() if weight > 0}
    if not kept:
        raise TrainingError("No cache weight is above 0; give one, e.g. load_time_ms=1.")
    return kept


def suggest_weights(trace: Trace, train: Requests) -> tuple[Suggestion, ...]:
    """Weights by how much each recorded metric tells one hit from another.

    A metric weighs as much as its coefficient of variation over the requests, relative to the
    others' (weights sum to 1): what is the same for all hits ranks nothing. Diakoulaki,
    Mavrotas, Papayannakis, "Determining objective weights in multiple criteria problems",
    Computers & Operations Research 22 (1995). Sizes weigh only beside load times, and only as far
    as load times do not already follow them.

    Args:
        trace: says which metrics were measured.
        train: the training part.
    """
    found = _variations(trace, train)
    if LOAD_TIME not in found:
        known = (
            "no load times are recorded" if trace.info.costs == "none" else "load times are alike"
        )
        return (Suggestion(HIT, 1.0, f"{known}, so every hit counts the same"),)
    total = sum(variation for variation, _ in found.values())
    return tuple(
        Suggestion(name, round(variation / total, 3), reason)
        for name, (variation, reason) in found.items()
        if variation > 0
    )


def _variations(trace: Trace, train: Requests) -> dict[str, tuple[float, str]]:
    found: dict[str, tuple[float, str]] = {}
    if trace.info.costs != "none" and (variation := _variation(train.cost)) > _EQUAL:
        low, high = np.percentile(train.cost, (5, 95))
        reason = (
            f"{trace.info.costs} load times spread from {low:.3g} to {high:.3g} ms (5 to 95 %): "
            "a hit on a slow result saves more"
        )
        found[LOAD_TIME] = (variation, reason)
    if trace.info.sizes != "none" and (variation := _variation(train.size)) > _EQUAL:
        alike = _correlation(train.cost, train.size) if LOAD_TIME in found else 0.0
        weight = variation * (1.0 - max(0.0, alike))
        reason = (
            f"sizes vary (coefficient of variation {variation:.2g}) and load times follow them to "
            f"{max(0.0, alike):.0%}; the rest is traffic that a hit saves besides"
        )
        found[SIZE] = (weight, reason)
    return found


def _variation(values: NDArray[np.float64] | NDArray[np.int64]) -> float:
    mean = float(np.mean(values))
    return float(np.std(values)) / mean if mean > 0 else 0.0


def _correlation(
    first: NDArray[np.float64] | NDArray[np.int64], second: NDArray[np.float64] | NDArray[np.int64]
) -> float:
    """Rank correlation (Spearman), 0 where one never varies."""
    a, b = (np.argsort(np.argsort(x, kind="stable"), kind="stable") for x in (first, second))
    return float(np.corrcoef(a, b)[0, 1])
