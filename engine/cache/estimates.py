"""What is remembered of a key, read as what it is worth keeping: the scorers that need no training.

Compiled; each is a logarithm, in octaves, less the key's price.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from engine.cache import hazard, regression
from engine.cache.history import (
    COUNT,
    GAP,
    LAST,
    LONG_RUN,
    OWN,
    PER_LIFETIME,
    PRICE,
    SLOWEST,
    History,
)
from engine.cache.jit import helper


@helper
def index_of(history: History, key: int, now: int, grouped: bool) -> float:
    """The reuse index of a key, drawn by a quarter to its own rate, less its price.

    A class lends a key what is known of many alike; the more a key was asked for itself, the less
    it needs that (shrinkage: Efron, Morris, J. American Statistical Association 70, 1975).

    Args:
        history: that remembers the key.
        key: to judge.
        now: number of the request.
        grouped: whether the endpoints' table counts too.
    """
    facts = history.facts[key]
    age = float(now - history.stamps[key, LAST])
    rate = _own_rate(history, key, age)
    lent = _lent(history, key, age, grouped)
    return float((1.0 - OWN) * lent + OWN * rate - facts[PRICE])


@helper
def popularity_of(history: History, key: int, now: int) -> float:
    """A key's count, drawn by a quarter to its reuse index, less its price."""
    facts = history.facts[key]
    lent = _lent(history, key, float(now - history.stamps[key, LAST]), False)
    return OWN * lent + (1.0 - OWN) * math.log2(facts[COUNT]) - float(facts[PRICE])


@helper
def regression_of(history: History, key: int, now: int) -> float:
    """log2 of the hits per lifetime that the regression expects of a key, less its price."""
    terms = history.reuse.scratch
    _write_terms(history, key, now, terms)
    return regression.log_rate(history.reuse, terms) - float(history.facts[key, PRICE])


@helper
def learn_from(history: History, key: int, now: int) -> None:
    """Let the regression learn from a candidate, once it is known whether it is asked for again."""
    row = regression.free_row(history.reuse, history.lifetime, now)
    if row >= 0:
        _write_terms(history, key, now, history.reuse.rows[row])
        regression.take(history.reuse, row, key, now)


@helper
def _write_terms(history: History, key: int, now: int, terms: NDArray[np.float64]) -> None:
    facts, tables, longest = history.facts[key], history.tables, math.log2(regression.LONGEST)
    age = float(now - history.stamps[key, LAST])
    at, count = hazard.bin_of(age), facts[COUNT]
    age = min(age, regression.LONGEST * history.lifetime)
    terms[regression.CONSTANT] = 1.0
    terms[regression.RECENCY_INDEX] = tables.gittins[history.classes[key, 0], at]
    terms[regression.RATE_INDEX] = tables.gittins[history.classes[key, 1], at]
    terms[regression.OWN_RATE] = _own_rate(history, key, age) + PER_LIFETIME
    grouped = hazard.group_class(history.group[key], count)
    terms[regression.GROUP_INDEX] = tables.gittins[grouped, at]
    terms[regression.COUNT] = math.log2(count)
    terms[regression.AGE] = math.log2(1.0 + age) - math.log2(history.lifetime)
    terms[regression.GAP_1] = min(facts[GAP], longest)
    terms[regression.GAP_2] = min(facts[GAP + 1], longest)
    terms[regression.ONCE] = 1.0 if count < 1.5 else 0.0


@helper
def _own_rate(history: History, key: int, age: float) -> float:
    """log2 of the slowest rate, faded to this age in requests."""
    return float(history.facts[key, LONG_RUN] - age / (SLOWEST * history.lifetime))


@helper
def _lent(history: History, key: int, age: float, grouped: bool) -> float:
    """The mean index of a key's classes."""
    tables, at = history.tables, hazard.bin_of(age)
    total = (
        tables.gittins[history.classes[key, 0], at] + tables.gittins[history.classes[key, 1], at]
    )
    if not grouped:
        return float(total / 2.0)
    row = hazard.group_class(history.group[key], history.facts[key, COUNT])
    return float((total + tables.gittins[row, at]) / 3.0)
