"""Reuse learned online: a Bayesian logistic regression over what is known of a candidate.

Some of those between whom a decision was made are remembered; when their horizon has passed it is
known which were asked for again, and the weights take a step. It starts from the reuse index and
knows nothing that lies ahead.

Sources: the update and the random walk of the weights, Penny, Roberts, "Dynamic logistic
regression", IJCNN 1999; the step that cannot overshoot, Böhning, Lindsay, "Monotonicity of
quadratic-approximation algorithms", Annals of the Institute of Statistical Mathematics 40 (1988);
learning from those that were compared, Song, Deng, Feng et al., "HALP: Heuristic aided learned
preference eviction policy for YouTube content delivery network", NSDI 2023.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from engine.cache.jit import apart, helper

CONSTANT, RECENCY_INDEX, RATE_INDEX, OWN_RATE, GROUP_INDEX = range(5)
COUNT, AGE, GAP_1, GAP_2, ONCE, TERMS = range(5, 11)
"""Places of a candidate's terms: 1; the indices of its first two classes, its own rate and its
endpoint's index (log2 hits per lifetime); log2 of its count; its age and last two gaps (log2
lifetimes); whether it was asked for once."""

HORIZON = 0.35
"""Lifetimes within which a reuse counts."""
LONGEST = 8.0
"""Lifetimes that an age or a gap counts at most: beyond, all are alike to a cache."""

_PENDING = 4096
_VARIANCE, _WALK = 0.03, 1e-8
"""Of a weight: at first, and what is added to it with every candidate."""
_STEEPEST = 0.25
"""Largest curvature that the logistic function has."""
_FIRST = math.log(math.expm1(HORIZON))
"""Logit of a key that is asked for once a lifetime."""
_LN_2 = math.log(2.0)
_NUMBER, _KEY = 0, 1
_TAKEN, _LEARNED, _LAST = 0, 1, 2


class Regression(NamedTuple):
    """Weights, and candidates whose fate is not known yet.

    Args:
        weights: of a candidate's terms, float64[TERMS].
        covariance: how uncertain they are, float64[TERMS, TERMS].
        pending: number of the request and key of a candidate, int64[P, 2], a ring.
        rows: its terms then, float64[P, TERMS].
        state: candidates taken, those learned from, the request of the last one taken, int64[3].
        scratch: float64[TERMS].
    """

    weights: NDArray[np.float64]
    covariance: NDArray[np.float64]
    pending: NDArray[np.int64]
    rows: NDArray[np.float64]
    state: NDArray[np.int64]
    scratch: NDArray[np.float64]


def empty(own: float) -> Regression:
    """A regression that scores as the reuse index does, `own` the weight of a key's own rate."""
    weights = np.zeros(TERMS)
    weights[CONSTANT] = _FIRST
    weights[[RECENCY_INDEX, RATE_INDEX]] = _LN_2 * (1.0 - own) / 2.0
    weights[OWN_RATE] = _LN_2 * own
    return Regression(
        weights=weights,
        covariance=_VARIANCE * np.eye(TERMS),
        pending=np.zeros((_PENDING, 2), np.int64),
        rows=np.zeros((_PENDING, TERMS)),
        state=np.array([0, 0, -1], np.int64),
        scratch=np.zeros(TERMS),
    )


@helper
def free_row(by: Regression, lifetime: float, now: int) -> int:
    """The row for a candidate of this request; -1 if enough are pending, or one was just taken."""
    spacing = _horizon(lifetime) / _PENDING
    if by.state[_TAKEN] - by.state[_LEARNED] >= _PENDING or now - by.state[_LAST] < spacing:
        return -1
    return int(by.state[_TAKEN] % _PENDING)


@helper
def take(by: Regression, row: int, key: int, now: int) -> None:
    """Remember the candidate whose terms were written into this row."""
    by.pending[row, _NUMBER], by.pending[row, _KEY] = now, key
    by.state[_TAKEN] += 1
    by.state[_LAST] = now


@helper
def log_rate(by: Regression, terms: NDArray[np.float64]) -> float:
    """The odds of a reuse within the horizon, as log2 of hits per lifetime.

    For what is seldom asked for, odds and rate are the same; for the rest odds rise faster, which
    matters for prices alone, far from where a cache decides.
    """
    return (_logit(by.weights, terms) - _FIRST) / _LN_2


@helper
def _logit(weights: NDArray[np.float64], terms: NDArray[np.float64]) -> float:
    total = 0.0
    for term in range(TERMS):
        total += weights[term] * terms[term]
    return total


@helper
def _horizon(lifetime: float) -> float:
    """In requests; two at least, since what is asked for is noted after it is learned from."""
    return max(2.0, HORIZON * lifetime)


@apart
def learn(by: Regression, stamps: NDArray[np.int64], lifetime: float, now: int) -> None:
    """Learn from the candidates whose horizon has passed.

    Args:
        by: the regression.
        stamps: request numbers of a key's first and last request, int64[U, 2].
        lifetime: of the cache, in requests.
        now: number of the request, not yet in the stamps.
    """
    while by.state[_LEARNED] < by.state[_TAKEN]:
        row = by.state[_LEARNED] % _PENDING
        then = by.pending[row, _NUMBER]
        if now - then < _horizon(lifetime):
            return
        _step(by, by.rows[row], 1.0 if stamps[by.pending[row, _KEY], 1] > then else 0.0)
        by.state[_LEARNED] += 1


@helper
def _step(by: Regression, terms: NDArray[np.float64], reused: float) -> None:
    along, covariance = by.scratch, by.covariance
    chance = 1.0 / (1.0 + math.exp(-_logit(by.weights, terms)))
    spread = 0.0
    for i in range(TERMS):
        along[i] = 0.0
        for j in range(TERMS):
            along[i] += covariance[i, j] * terms[j]
        spread += along[i] * terms[i]
    curvature = chance * (1.0 - chance)
    shrink = curvature / (1.0 + curvature * spread)
    # A surprise says little of the curvature where it comes from: by it, the step would overshoot.
    gain = (reused - chance) / (1.0 + _STEEPEST * spread)
    for i in range(TERMS):
        for j in range(TERMS):
            covariance[i, j] -= shrink * along[i] * along[j]
        # What nothing is learned of stays as uncertain as it was.
        if covariance[i, i] < _VARIANCE:
            covariance[i, i] += _WALK
        by.weights[i] += gain * along[i]
