"""Hit densities from counts of hits and evictions by class and age, compiled (LHD, NSDI 2018)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from engine.cache.jit import apart, helper

CLASSES = 16
AGES = 1024
_KEPT = 0.9
"""Weight of the past at each learning."""

_OVERFLOW = 0.01
"""Share of events in the last age above which ages become twice as long."""

_FEW = 1e-5
"""Events below which nothing is known of an age."""

Counts = NDArray[np.float64]


def first_density() -> Counts:
    """What is believed before anything is learned: the younger the better, float64[16, 1024]."""
    return np.outer(np.arange(CLASSES, 0, -1), 1.0 / np.arange(1, AGES + 1))


@helper
def class_of(gaps: int) -> int:
    """Class of a sum of two ages: its logarithm; the last for those not hit before."""
    number = 0
    for bit in range(CLASSES - 1):  # all of them: how many it takes could not be foreseen
        number += int(gaps >> bit > 0)
    return number


@apart
def relearn(hits: Counts, evictions: Counts, density: Counts) -> int:
    """Learn the densities anew and age the counts; 1 when ages became twice as long, else 0."""
    late = total = 0.0
    for group in range(CLASSES):
        late += hits[group, AGES - 1] + evictions[group, AGES - 1]
        for age in range(AGES):
            total += hits[group, age] + evictions[group, age]
    longer = late > _OVERFLOW * total
    for group in range(CLASSES):
        if longer:
            _coarsen(hits, group)
            _coarsen(evictions, group)
        _learn(hits, evictions, density, group)
    return 1 if longer else 0


@helper
def _coarsen(counts: Counts, group: int) -> None:
    half = AGES // 2
    for age in range(half):
        counts[group, age] = counts[group, 2 * age] + counts[group, 2 * age + 1]
    for age in range(half, AGES):
        counts[group, age] = 0.0


@helper
def _learn(hits: Counts, evictions: Counts, density: Counts, group: int) -> None:
    """Expected hits from each age on, by the expected time from then to the end of the stay."""
    later_hits = ends = time = 0.0
    for age in range(AGES - 1, -1, -1):
        later_hits += hits[group, age]
        ends += hits[group, age] + evictions[group, age]
        time += ends
        known = ends > _FEW and age < AGES - 1
        density[group, age] = later_hits / time if known else 0.0
        hits[group, age] *= _KEPT
        evictions[group, age] *= _KEPT
