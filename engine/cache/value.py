"""What a hit is worth, and what holding costs: the one place where objectives differ."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec
import numpy as np
from numpy.typing import NDArray

from engine.errors import TrainingError
from engine.traces.trace import Requests

LOAD_TIME, SIZE, HIT = "load_time_ms", "size_bytes", "hit"
"""Metrics that every trace has; any further column may be one too."""
OBJECTIVES: dict[str, dict[str, float]] = {
    "hits": {},
    "cost": {LOAD_TIME: 1.0},
    "bytes": {SIZE: 1.0},
}
"""Objective -> metric -> weight; without weights every hit counts the same."""

_TOP = 99.5
_FLOOR = 2.0**-10


class HitValue(msgspec.Struct, frozen=True):
    """The value of a hit, 1 on average over the training part.

    Args:
        terms: metric -> weight over the metric's training mean; empty: every hit is worth 1.
        limit: values are clipped to it (the 99.5th percentile of the training part), so that one
            outlier does not rule; 0 for none.
        space: mean bytes of a result of the training part where capacity counts bytes, else 0.
        spread: how unevenly the bytes lie over those results where capacity counts bytes: mean
            square over squared mean; 1 where all are alike. So many times more results tell as much
            as alike ones (design effect: Kish, "Survey Sampling", Wiley 1965).
    """

    terms: dict[str, float] = {}
    limit: float = 0.0
    space: float = 0.0
    spread: float = 1.0

    def of(self, requests: Requests) -> NDArray[np.float64]:
        """What a hit is worth at each request, float64[n], above 0."""
        if not self.terms:
            return np.ones(len(requests))
        value = sum(
            (weight * metric(requests, name) for name, weight in self.terms.items()),
            np.zeros(len(requests)),
        )
        return np.clip(np.nan_to_num(value), _FLOOR, self.limit or None)

    def density(self, requests: Requests) -> NDArray[np.float64]:
        """The value of a hit over the space that its result takes, both relative, float64[n]."""
        if not self.space:
            return self.of(requests)
        return np.asarray(self.of(requests) * (self.space / requests.size))


def metric(requests: Requests, name: str) -> NDArray[np.float64]:
    """A metric at each request, float64[n].

    Raises:
        TrainingError: the trace has no such column.
    """
    if name == LOAD_TIME:
        return requests.cost
    if name == SIZE:
        return requests.size.astype(np.float64)
    if name == HIT:
        return np.ones(len(requests))
    if name not in requests.columns:
        known = ", ".join(dict.fromkeys([LOAD_TIME, SIZE, HIT, *requests.columns]))
        raise TrainingError(f"The trace has no column {name!r} to weigh; choose among: {known}.")
    return requests.columns[name].astype(np.float64)


def fit_value(requests: Requests, weights: Mapping[str, float], *, by_bytes: bool) -> HitValue:
    """The value of a hit by weights on metrics, scaled on the training part given.

    Raises:
        TrainingError: no such metric, or one that is zero on average over the training part.
    """
    terms = {name: weight / _mean(requests, name) for name, weight in weights.items() if weight}
    value = HitValue(terms)
    # By the byte, bytes are worth the same for all; and a size, however large, is no outlier.
    if terms and not (by_bytes and set(terms) == {SIZE}):
        limit = float(np.percentile(value.of(requests), _TOP))
        value = msgspec.structs.replace(value, limit=limit)
    if not by_bytes:
        return value
    size = requests.size.astype(np.float64)
    spread = float((size**2).mean() / size.mean() ** 2)
    return msgspec.structs.replace(value, space=float(size.mean()), spread=spread)


def _mean(requests: Requests, name: str) -> float:
    values = metric(requests, name)
    known = values[np.isfinite(values)]
    mean = float(known.mean()) if len(known) else 0.0
    if mean <= 0:
        raise TrainingError(
            f"The metric {name!r} is {mean:g} on average over the training part, so it cannot "
            "weigh hits; choose one that is above zero."
        )
    return mean
