"""Reuse learned online: a Bayesian logistic regression over what is known of a candidate.

Some of those between whom a decision was made are remembered; when their horizon has passed it is
known which were asked for again, and the weights take one step of Newton's method. It starts from
the reuse index and knows nothing that lies ahead.

Sources: the update, Spiegelhalter, Lauritzen, "Sequential updating of conditional probabilities on
directed graphical structures", Networks 20 (1990), with a random walk of the weights as in the
Kalman filter; learning from those that were eviction candidates, Song, Berger, Li, Lloyd, "Learning
relaxed Belady for content distribution network caching", NSDI 2020.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from engine.cache.jit import apart, helper

CONSTANT, RECENCY_INDEX, RATE_INDEX, OWN_RATE, GROUP_INDEX = range(5)
COUNT, AGE, GAP_1, GAP_2, ONCE, TERMS = range(5, 11)
"""Places of a row: 1, reuse indices by three classes, the key's own rate (all log2 hits per
lifetime), log2 of its count, its age and last two gaps (log2 lifetimes, at most LONGEST_GAP),
whether it was asked for once."""

HORIZON = 0.35
"""Lifetimes within which a reuse counts."""
LONGEST_GAP = 3.0

_PENDING = 4096
_VARIANCE, _WALK = 0.03, 1e-8
_LN_2 = math.log(2.0)
_NUMBER, _KEY = 0, 1
_TAKEN, _SETTLED, _LAST = 0, 1, 2


class Regression(NamedTuple):
    """Weights, and candidates whose fate is not known yet.

    Args:
        weights: of a row's terms, float64[TERMS].
        covariance: how uncertain they are, float64[TERMS, TERMS].
        pending: number of the request and key of a candidate, int64[P, 2], a ring.
        row: its terms then, float64[P, TERMS].
        state: candidates taken, those settled, the request of the last one taken, int64[3].
        scratch: float64[2, TERMS].
    """

    weights: NDArray[np.float64]
    covariance: NDArray[np.float64]
    pending: NDArray[np.int64]
    row: NDArray[np.float64]
    state: NDArray[np.int64]
    scratch: NDArray[np.float64]


def empty(own: float) -> Regression:
    """A regression that ranks as the reuse index does, `own` the weight of a key's own rate."""
    weights = np.zeros(TERMS)
    weights[CONSTANT] = math.log(math.expm1(HORIZON))
    weights[[RECENCY_INDEX, RATE_INDEX]] = _LN_2 * (1.0 - own) / 2.0
    weights[OWN_RATE] = _LN_2 * own
    return Regression(
        weights=weights,
        covariance=_VARIANCE * np.eye(TERMS),
        pending=np.zeros((_PENDING, 2), np.int64),
        row=np.zeros((_PENDING, TERMS)),
        state=np.array([0, 0, -1], np.int64),
        scratch=np.zeros((2, TERMS)),
    )


@helper
def free_row(by: Regression, lifetime: float, now: int) -> int:
    """The row for a candidate of this request; -1 where enough are pending."""
    spacing = HORIZON * lifetime / _PENDING
    if by.state[_TAKEN] - by.state[_SETTLED] >= _PENDING or now - by.state[_LAST] < spacing:
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
    """log2 of the reuses to be expected within a horizon, of a key that was asked for at random."""
    logit = _logit(by.weights, terms)
    expected = logit if logit > 30.0 else math.log1p(math.exp(logit))
    return math.log2(max(expected, 1e-12))


@helper
def _logit(weights: NDArray[np.float64], terms: NDArray[np.float64]) -> float:
    total = 0.0
    for term in range(TERMS):
        total += weights[term] * terms[term]
    return total


@apart
def settle(by: Regression, stamps: NDArray[np.int64], lifetime: float, now: int) -> None:
    """Learn from the candidates whose horizon has passed.

    Args:
        by: the regression.
        stamps: request numbers of a key's first and last request, int64[U, 2].
        lifetime: of the cache, in requests.
        now: number of the request.
    """
    while by.state[_SETTLED] < by.state[_TAKEN]:
        row = by.state[_SETTLED] % _PENDING
        then = by.pending[row, _NUMBER]
        if now - then < HORIZON * lifetime:
            return
        _learn(by, by.row[row], 1.0 if stamps[by.pending[row, _KEY], 1] > then else 0.0)
        by.state[_SETTLED] += 1


@helper
def _learn(by: Regression, terms: NDArray[np.float64], reused: float) -> None:
    along, covariance = by.scratch[1], by.covariance
    chance = 1.0 / (1.0 + math.exp(-_logit(by.weights, terms)))
    spread = 0.0
    for i in range(TERMS):
        along[i] = 0.0
        for j in range(TERMS):
            along[i] += covariance[i, j] * terms[j]
        spread += along[i] * terms[i]
    told = chance * (1.0 - chance)
    step = 1.0 / (1.0 + told * spread)
    for i in range(TERMS):
        for j in range(TERMS):
            covariance[i, j] -= told * step * along[i] * along[j]
        covariance[i, i] += _WALK
        by.weights[i] += step * (reused - chance) * along[i]
