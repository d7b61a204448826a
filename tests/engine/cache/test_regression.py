"""The regression learned online: against plain matrices, and against what it must not know."""

from __future__ import annotations

import dataclasses
import math

import msgspec
import numpy as np
import pytest

from engine.cache import estimates, regression
from engine.cache.base import Room
from engine.cache.features import BASE, NAMES
from engine.cache.history import OWN, PER_LIFETIME, History, describe, last_requests
from engine.cache.hybrid import HybridReplay, index_policy
from engine.cache.jit import compiled
from engine.cache.regression import HORIZON, TERMS, Regression
from engine.cache.value import LOAD_TIME, fit_value
from engine.traces.trace import Requests
from engine.training.policy import TrainedPolicy
from tests.engine.training.generated import requests

ROOM = Room(60, by_bytes=False, distinct=1_200)
LIFETIME = 150.0


@compiled
def _take(by: Regression, key: int, now: int, terms: np.ndarray, lifetime: float) -> int:
    row = regression.free_row(by, lifetime, now)
    if row >= 0:
        by.rows[row] = terms
        regression.take(by, row, key, now)
    return row


@compiled
def _learn(by: Regression, stamps: np.ndarray, now: int, lifetime: float) -> None:
    regression.learn(by, stamps, lifetime, now)


@compiled
def _both(history: History, key: int, now: int) -> tuple[float, float]:
    return estimates.regression_of(history, key, now), estimates.index_of(history, key, now, False)


@compiled
def _terms(history: History, key: int, now: int, terms: np.ndarray) -> None:
    estimates.regression_of(history, key, now)
    terms[:] = history.reuse.scratch


def replay(scorer: str, requests: Requests, room: Room = ROOM) -> tuple[HybridReplay, np.ndarray]:
    base = index_policy(room, LIFETIME)
    spec = msgspec.structs.replace(base.spec, algorithms={scorer: ""})
    made = HybridReplay(TrainedPolicy(spec, {}), room)
    return made, made.feed(requests)


@pytest.mark.parametrize("prices", [False, True])
def test_it_starts_as_the_reuse_index(prices: bool) -> None:
    made = requests(2_000)
    value = fit_value(made, {LOAD_TIME: 1.0} if prices else {}, by_bytes=False)
    cache = HybridReplay(index_policy(ROOM, LIFETIME, value), ROOM)
    cache.feed(made)
    for key in np.unique(made.key[-300:]):
        found = _both(cache._history, key, 2_000)
        assert found[0] - found[1] == pytest.approx(OWN * PER_LIFETIME, abs=1e-5)


def test_its_terms_are_what_networks_see_but_for_the_longest() -> None:
    made = requests(2_500)
    cache = HybridReplay(index_policy(ROOM, LIFETIME), ROOM)
    cache.feed(made)
    row, terms = np.zeros(BASE, np.float32), np.zeros(TERMS)
    seen = set()
    for key in range(1_200):
        if last_requests(cache._history, np.array([key]))[0] < 0:
            continue
        describe(cache._history, key, 2_500, row)
        _terms(cache._history, key, 2_500, terms)
        told = dict(zip(NAMES, row, strict=True))
        same = ("recency_index", "rate_index", "group_index", "count")
        places = [1, 2, 4, 5]
        assert terms[places] == pytest.approx([told[name] for name in same], abs=1e-4)
        clipped = [min(told[name], 3.0) for name in ("age", "gap_1", "gap_2")]
        assert terms[regression.AGE : regression.ONCE] == pytest.approx(clipped, abs=0.01)
        assert terms[regression.ONCE] == (told["count"] == 0.0)
        seen.add((told["age"] > 3.0, told["count"] == 0.0))
        if told["age"] <= 3.0 and told["rate_4"] > -1.0:
            rate = math.log2(2 ** told["rate_4"] - 0.01) + PER_LIFETIME
            assert terms[regression.OWN_RATE] == pytest.approx(rate, abs=1e-3)
    assert len(seen) == 4


def test_it_learns_as_plain_matrices_do() -> None:
    by, rng = regression.empty(OWN), np.random.default_rng(1)
    weights, covariance = by.weights.copy(), by.covariance.copy()
    stamps = np.zeros((300, 2), np.int64)
    for key in range(300):
        terms = rng.normal(size=TERMS)
        reused = bool(rng.random() < 1 / (1 + math.exp(-2 * terms[3])))
        stamps[key, 1] = key + 1 if reused else key
        assert _take(by, key, key, terms, LIFETIME) >= 0
        chance = 1 / (1 + math.exp(-weights @ terms))
        steepest = np.linalg.inv(np.linalg.inv(covariance) + np.outer(terms, terms) / 4)
        weights = weights + steepest @ terms * (reused - chance)
        curved = np.linalg.inv(covariance) + chance * (1 - chance) * np.outer(terms, terms)
        covariance[:] = np.linalg.inv(curved)
        covariance += np.diag(1e-8 * (covariance.diagonal() < 0.03))
    _learn(by, stamps, 10_000, LIFETIME)
    assert by.weights == pytest.approx(weights, abs=1e-5)
    assert by.covariance == pytest.approx(covariance, abs=1e-7)
    assert by.weights[3] > 0.8


def test_a_surprise_does_not_throw_the_weights_past_their_mode() -> None:
    terms = np.full(TERMS, -6.0)
    terms[regression.CONSTANT] = 1.0
    by = regression.empty(OWN)
    _take(by, 0, 0, terms, LIFETIME)
    before, prior = by.weights.copy(), by.covariance.copy()
    _learn(by, np.ones((1, 2), np.int64), 1_000, LIFETIME)
    along = prior @ terms
    steps = np.linspace(0.0, 2.0, 20_001)
    logits = (before[:, None] + along[:, None] * steps).T @ terms
    mode = steps[np.argmax(-np.log1p(np.exp(-logits)) - steps**2 * (along @ terms) / 2)]
    step = (by.weights - before)[0] / along[0]
    assert 0.2 * mode < step <= mode


def test_a_fate_is_known_when_its_horizon_has_passed_and_not_before() -> None:
    by = regression.empty(OWN)
    first, stamps = by.weights.copy(), np.zeros((1, 2), np.int64)
    _take(by, 0, 0, np.ones(TERMS), LIFETIME)
    within = math.ceil(HORIZON * LIFETIME)
    _learn(by, stamps, within - 1, LIFETIME)
    assert (by.weights == first).all()
    _learn(by, stamps, within, LIFETIME)
    assert (by.weights < first).all()


def test_pending_candidates_are_spread_over_the_horizon() -> None:
    by, lifetime = regression.empty(OWN), 100_000.0
    within = int(HORIZON * lifetime)
    taken = [now for now in range(within) if _take(by, 0, now, np.ones(TERMS), lifetime) >= 0]
    assert 0.9 * len(by.rows) < len(taken) <= len(by.rows)
    assert taken[-1] > 0.99 * within


def test_no_pending_candidate_is_overwritten() -> None:
    by = regression.empty(OWN)
    taken = [_take(by, 0, now, np.ones(TERMS), LIFETIME) for now in range(5_000)]
    assert sorted(row for row in taken if row >= 0) == list(range(len(by.rows)))
    _learn(by, np.zeros((1, 2), np.int64), 1_000, LIFETIME)
    assert _take(by, 0, 5_000, np.ones(TERMS), LIFETIME) == 0


@pytest.mark.parametrize("lifetime", [1.0, 2.8, 3.0, 150.0])
def test_what_is_asked_for_all_the_time_is_seen_to_be(lifetime: float) -> None:
    made = dataclasses.replace(requests(2_000), key=np.zeros(2_000, np.int32))
    by, stamps = regression.empty(OWN), np.zeros((1, 2), np.int64)
    first = by.weights[0]
    for now, key in enumerate(made.key):
        _learn(by, stamps, now, lifetime)
        stamps[key, 1] = now
        _take(by, key, now, np.eye(TERMS)[0], lifetime)
    assert by.weights[0] > first + 0.3


def test_it_learns_also_while_another_decides() -> None:
    made = requests(3_000)
    guarded = HybridReplay(index_policy(ROOM, LIFETIME, guard=True), ROOM)
    guarded._guard.state[0] = 0
    guarded.feed(made.slice(0, 400))
    assert guarded.scorer == "index"
    assert guarded._history.reuse.state[0] > 50
    alone = HybridReplay(index_policy(ROOM, LIFETIME), ROOM)
    alone.feed(made)
    assert alone._history.reuse.state[0] == 0


def test_it_learns_what_the_index_cannot_tell() -> None:
    """One endpoint's keys are asked for twice in close succession and then hardly ever."""
    made = requests(12_000)
    place = np.arange(12_000)
    fleeting = place % 2 == 0
    key = np.where(fleeting, 1_200 + (place // 4) % 8_000, made.key).astype(np.int32)
    group = np.where(fleeting, 1, 0).astype(np.int32)
    mixed = dataclasses.replace(made, key=key, group=group, distinct=9_200)
    room = Room(60, by_bytes=False, distinct=9_200)
    index, learned = (
        replay(scorer, mixed, room)[1][6_000:].mean() for scorer in ("index", "regression")
    )
    assert learned > index + 0.005


def test_what_lies_ahead_changes_nothing() -> None:
    made = requests(6_000)
    _, hits = replay("regression", made)
    other = dataclasses.replace(made, key=made.key.copy())
    other.key[3_000:] = np.random.default_rng(2).permutation(other.key[3_000:])
    _, others = replay("regression", other)
    assert (hits[:3_000] == others[:3_000]).all()


def test_parts_make_no_difference() -> None:
    made = requests(6_000)
    whole, hits = replay("regression", made)
    parts, first = replay("regression", made.slice(0, 777))
    rest = [parts.feed(made.slice(at, min(at + 501, 6_000))) for at in range(777, 6_000, 501)]
    assert (np.concatenate([first, *rest]) == hits).all()
    assert (whole._history.reuse.weights == parts._history.reuse.weights).all()
