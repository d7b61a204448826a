"""The regression learned online: against plain matrices, and against what it must not know."""

from __future__ import annotations

import dataclasses
import math

import msgspec
import numpy as np
import pytest

from engine.cache import regression
from engine.cache.base import Room
from engine.cache.history import OWN
from engine.cache.hybrid import HybridReplay, index_policy
from engine.cache.jit import compiled
from engine.cache.regression import HORIZON, TERMS, Regression
from engine.traces.trace import Requests
from engine.training.policy import TrainedPolicy
from tests.engine.training.generated import requests

ROOM = Room(60, by_bytes=False, distinct=1_200)
LIFETIME = 150.0
RNG = np.random.default_rng(0)


@compiled
def _take(by: Regression, key: int, now: int, terms: np.ndarray, lifetime: float) -> int:
    row = regression.free_row(by, lifetime, now)
    if row >= 0:
        by.row[row] = terms
        regression.take(by, row, key, now)
    return row


@compiled
def _settle(by: Regression, stamps: np.ndarray, now: int, lifetime: float) -> None:
    regression.settle(by, stamps, lifetime, now)


@compiled
def _log_rate(by: Regression, terms: np.ndarray) -> float:
    return regression.log_rate(by, terms)


def replay(scorer: str, requests: Requests) -> tuple[HybridReplay, np.ndarray]:
    base = index_policy(ROOM, LIFETIME)
    spec = msgspec.structs.replace(base.spec, algorithms={scorer: ""})
    made = HybridReplay(TrainedPolicy(spec, {}), ROOM)
    return made, made.feed(requests)


def test_it_starts_as_the_reuse_index() -> None:
    by = regression.empty(OWN)
    for _ in range(20):
        terms = RNG.normal(-2.0, 1.0, TERMS)
        terms[regression.CONSTANT] = 1.0
        index = (1 - OWN) * terms[1:3].mean() + OWN * terms[regression.OWN_RATE]
        chance = 1 / (1 + math.exp(-math.log(2) * index - math.log(math.expm1(HORIZON))))
        assert _log_rate(by, terms) == pytest.approx(math.log2(-math.log1p(-chance)))


@pytest.mark.parametrize(("logit", "expected"), [(1e4, 1e4), (-1e4, 1e-12), (29.9, 29.9)])
def test_its_rate_has_no_overflow(logit: float, expected: float) -> None:
    by = regression.empty(OWN)
    by.weights[:] = 0.0
    by.weights[regression.CONSTANT] = 1.0
    terms = np.full(TERMS, logit)
    assert 2 ** _log_rate(by, terms) == pytest.approx(expected)


def test_it_learns_as_plain_matrices_do() -> None:
    by = regression.empty(OWN)
    weights, covariance = by.weights.copy(), by.covariance.copy()
    stamps = np.zeros((300, 2), np.int64)
    for key in range(300):
        terms = RNG.normal(size=TERMS)
        reused = bool(RNG.random() < 1 / (1 + math.exp(-2 * terms[3])))
        stamps[key, 1] = key + 1 if reused else key
        assert _take(by, key, key, terms, LIFETIME) >= 0
        chance = 1 / (1 + math.exp(-weights @ terms))
        curved = np.linalg.inv(covariance) + chance * (1 - chance) * np.outer(terms, terms)
        covariance = np.linalg.inv(curved) + 1e-8 * np.eye(TERMS)
        weights = weights + np.linalg.inv(curved) @ terms * (reused - chance)
    _settle(by, stamps, 10_000, LIFETIME)
    assert by.weights == pytest.approx(weights, abs=1e-5)
    assert by.covariance == pytest.approx(covariance, abs=1e-7)
    assert by.weights[3] > 0.8


def test_a_fate_is_known_when_its_horizon_has_passed_and_not_before() -> None:
    by = regression.empty(OWN)
    first, stamps = by.weights.copy(), np.zeros((1, 2), np.int64)
    _take(by, 0, 0, np.ones(TERMS), LIFETIME)
    within = math.ceil(HORIZON * LIFETIME)
    _settle(by, stamps, within - 1, LIFETIME)
    assert (by.weights == first).all()
    _settle(by, stamps, within, LIFETIME)
    assert (by.weights < first).all()


def test_pending_candidates_are_bounded_and_spread_over_the_horizon() -> None:
    by, lifetime = regression.empty(OWN), 100_000.0
    within = int(HORIZON * lifetime)
    taken = [now for now in range(within) if _take(by, 0, now, np.ones(TERMS), lifetime) >= 0]
    assert 0.9 * len(by.row) < len(taken) <= len(by.row)
    assert taken[-1] > 0.99 * within
    _settle(by, np.zeros((1, 2), np.int64), within, lifetime)
    assert _take(by, 0, within, np.ones(TERMS), lifetime) >= 0


def test_it_learns_what_the_index_cannot_tell() -> None:
    """One endpoint's keys are asked for twice in close succession and then hardly ever."""
    made = requests(12_000)
    place = np.arange(12_000)
    fleeting = place % 2 == 0
    key = np.where(fleeting, 1_200 + (place // 4) % 8_000, made.key).astype(np.int32)
    group = np.where(fleeting, 1, 0).astype(np.int32)
    mixed = dataclasses.replace(made, key=key, group=group, distinct=9_200)
    room = Room(60, by_bytes=False, distinct=9_200)
    found = {}
    for scorer in ("index", "regression"):
        base = index_policy(room, LIFETIME)
        spec = msgspec.structs.replace(base.spec, algorithms={scorer: ""})
        found[scorer] = HybridReplay(TrainedPolicy(spec, {}), room).feed(mixed)[6_000:].mean()
    assert found["regression"] > found["index"] + 0.005


def test_what_lies_ahead_changes_nothing() -> None:
    made = requests(6_000)
    _, hits = replay("regression", made)
    other = dataclasses.replace(made, key=made.key.copy())
    other.key[3_000:] = RNG.permutation(other.key[3_000:])
    _, others = replay("regression", other)
    assert (hits[:3_000] == others[:3_000]).all()


def test_parts_make_no_difference() -> None:
    made = requests(6_000)
    whole, hits = replay("regression", made)
    parts, first = replay("regression", made.slice(0, 777))
    rest = [parts.feed(made.slice(at, min(at + 501, 6_000))) for at in range(777, 6_000, 501)]
    assert (np.concatenate([first, *rest]) == hits).all()
    assert (whole._history.reuse.weights == parts._history.reuse.weights).all()
