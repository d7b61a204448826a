"""Which parameter matters: how much of the spread between configurations each accounts for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

BINS = 5
RESAMPLES = 200
LEAST = 4
"""Configurations below which nothing can be said."""


class Effect(NamedTuple):
    """A parameter's share (0 to 1) of the spread, its 95 % interval, and its direction.

    `direction` is the rank correlation with the objective, -1 to 1; None for what has no order.
    """

    share: float
    low: float
    high: float
    direction: float | None
    trials: int


def effect(values: Sequence[Any], objectives: Sequence[float]) -> Effect | None:
    """The main effect of one parameter; None where too few configurations tell.

    The share of variance between groups of equal values (of a continuous parameter: five groups of
    equal size), corrected for what chance alone would give: Kelley (1935), An Unbiased Correlation
    Ratio Measure, PNAS 21. On a whole grid these are the main effects of a functional ANOVA.

    Args:
        values: of the parameter, one a trial.
        objectives: of those trials.
    """
    y = np.asarray(objectives, dtype=np.float64)
    is_number = all(isinstance(v, int | float) and not isinstance(v, bool) for v in values)
    groups = _groups(values, is_number)
    if len(y) < LEAST or len(np.unique(groups)) < 2 or np.ptp(y) == 0:
        return None
    share = _share(groups, y)
    draws = np.random.default_rng(0).integers(len(y), size=(RESAMPLES, len(y)))
    low, high = np.percentile([_share(groups[d], y[d]) for d in draws], (2.5, 97.5))
    direction = None
    if is_number:
        direction = float(np.corrcoef(_ranks(np.asarray(values, np.float64)), _ranks(y))[0, 1])
    return Effect(share, float(low), float(high), direction, len(y))


def _groups(values: Sequence[Any], is_number: bool) -> NDArray[np.int64]:
    distinct = {value: place for place, value in enumerate(sorted(set(values), key=str))}
    if is_number and len(distinct) > 2 * BINS:
        ranks = _ranks(np.asarray(values, np.float64))
        return np.minimum(ranks * BINS // len(ranks), BINS - 1).astype(np.int64)
    return np.array([distinct[value] for value in values], dtype=np.int64)


def _share(groups: NDArray[np.int64], y: NDArray[np.float64]) -> float:
    counts = np.bincount(groups)
    sums = np.bincount(groups, weights=y)
    kept = counts > 0
    total = float(((y - y.mean()) ** 2).sum())
    k = int(kept.sum())
    if total <= 0 or k < 2 or k >= len(y):
        return 0.0
    between = float((counts[kept] * (sums[kept] / counts[kept] - y.mean()) ** 2).sum())
    within = (total - between) / (len(y) - k)
    return max(0.0, (between - (k - 1) * within) / total)


def _ranks(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Ranks from 0, ties sharing their mean."""
    _, place, counts = np.unique(values, return_inverse=True, return_counts=True)
    ends = np.cumsum(counts)
    mean: NDArray[np.float64] = (ends - counts + ends - 1) / 2.0
    return mean[place]
