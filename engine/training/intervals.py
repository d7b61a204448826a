"""How far a figure may be off: over seeds, and over the course of time."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

BLOCKS = 50
"""Stretches of time that the test part is cut into; each counts as one observation."""
RESAMPLES = 2000

_T = (
    12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179, 2.160,
    2.145, 2.131, 2.120, 2.110, 2.101, 2.093, 2.086, 2.080, 2.074, 2.069, 2.064, 2.060, 2.056,
    2.052, 2.048, 2.045, 2.042,
)  # fmt: skip
_T_MANY = 1.96


class Interval(NamedTuple):
    """A figure with its 95 % interval; both ends are NaN where nothing tells how far it is off."""

    mean: float
    low: float
    high: float


def over_seeds(values: Sequence[float]) -> Interval:
    """Mean of one value a seed, with Student's t interval; without ends for a single seed."""
    mean = float(np.mean(values))
    n = len(values)
    if n < 2:
        return Interval(mean, math.nan, math.nan)
    t = _T[n - 2] if n - 2 < len(_T) else _T_MANY
    half = t * float(np.std(values, ddof=1)) / math.sqrt(n)
    return Interval(mean, mean - half, mean + half)


def over_time(gained: NDArray[np.float64], offered: NDArray[np.float64]) -> Interval:
    """sum(gained) / sum(offered) over requests in order of time, by a block bootstrap.

    Requests near each other are alike, so whole stretches are drawn, not single requests:
    Künsch, "The jackknife and the bootstrap for general stationary observations", Annals of
    Statistics 17 (1989). Fixed seed: the same requests give the same interval.

    Args:
        gained: what each request brought, float64[n]; may be a difference of two policies.
        offered: what it could have brought, float64[n].
    """
    edges = np.linspace(0, len(gained), min(BLOCKS, len(gained)) + 1).astype(np.int64)[:-1]
    up, down = np.add.reduceat(gained, edges), np.add.reduceat(offered, edges)
    mean = float(up.sum() / down.sum()) if down.sum() else 0.0
    drawn = np.random.default_rng(0).integers(len(edges), size=(RESAMPLES, len(edges)))
    ratios = up[drawn].sum(1) / np.maximum(down[drawn].sum(1), 1e-12)
    low, high = np.percentile(ratios, (2.5, 97.5))
    return Interval(mean, float(low), float(high))
