"""Statistics against values worked out by hand or drawn in plain loops."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest

from engine.study.effects import effect
from engine.study.statistics import compare, sentence, signed_rank, stratified, summary


def test_the_interquartile_mean_leaves_out_a_quarter_on_each_side() -> None:
    assert summary([1, 2, 3, 4, 5, 6, 7, 1000]).value == pytest.approx(4.5)
    assert summary([1, 5]).value == 3
    one = summary([7])
    assert one.value == 7
    assert math.isnan(one.low)


def test_the_interval_covers_the_truth_about_as_often_as_it_says() -> None:
    rng = np.random.default_rng(1)
    covered = 0
    for _ in range(200):
        found = summary(list(rng.normal(3.0, 1.0, 20)))
        covered += found.low <= 3.0 <= found.high
    assert 0.85 <= covered / 200 <= 0.99


def test_strata_are_drawn_apart() -> None:
    apart = stratified([[1.0, 1.0, 1.0], [9.0, 9.0, 9.0]])
    assert (apart.low, apart.value, apart.high) == (5.0, 5.0, 5.0)
    mixed = summary([1.0, 1.0, 1.0, 9.0, 9.0, 9.0])
    assert mixed.low < 5.0 < mixed.high


def test_the_signed_rank_test_is_exact() -> None:
    differences = [-3.0, 1.0, -2.0, 4.0, -5.5]
    ranks = [3, 1, 2, 4, 5]
    reached = sum(r for r, d in zip(ranks, differences, strict=True) if d > 0)
    ways = [
        sum(r for r, up in zip(ranks, ups, strict=True) if up)
        for ups in itertools.product([0, 1], repeat=5)
    ]
    assert signed_rank(differences) == pytest.approx(sum(w <= reached for w in ways) / 32)
    assert signed_rank([-1, -2, -3, -4]) == pytest.approx(1 / 16)
    assert signed_rank([0.0, 0.0]) == 1.0


def test_three_seeds_never_tell_two_configurations_apart_and_the_sentence_says_what_to_do() -> None:
    found = compare({0: 9.0, 1: 9.1, 2: 9.2}, {0: 1.0, 1: 1.1, 2: 1.2})
    assert found is not None
    assert found.improvement.value == 1.0
    assert sentence("A", "B", found) == "A and B are not distinguishable with n = 3; add 5 seeds."


def test_a_clear_lead_is_told_from_either_side_and_pairs_take_the_luck_of_a_seed_out() -> None:
    luck = [0.0, 50.0, -30.0, 10.0, 80.0]
    first = {seed: base + 1.0 for seed, base in enumerate(luck)}
    second = dict(enumerate(luck))
    found = compare(first, second)
    assert found is not None
    assert found.distinguishable
    assert found.lead.value == pytest.approx(1.0)
    assert sentence("A", "B", found).startswith("A is better than B (n = 5;")
    assert sentence("B", "A", compare(second, first)).startswith("A is better than B")
    assert compare({0: 1.0}, {1: 1.0}) is None


def test_noise_alone_is_seldom_called_a_lead() -> None:
    rng = np.random.default_rng(2)
    wrong = 0
    for _ in range(300):
        a, b = rng.normal(size=5), rng.normal(size=5)
        found = compare(dict(enumerate(a)), dict(enumerate(b)))
        wrong += bool(found and found.distinguishable)
    assert wrong / 300 < 0.2


def test_effects_find_what_matters_and_which_way() -> None:
    grid = list(itertools.product([1, 2, 3], ["a", "b", "c"]))
    objectives = [10.0 * rate for rate, _ in grid]
    rate = effect([one for one, _ in grid], objectives)
    word = effect([one for _, one in grid], objectives)
    assert rate is not None
    assert word is not None
    assert rate.share == pytest.approx(1.0)
    assert rate.direction == pytest.approx(1.0)
    assert word.share == 0.0
    assert word.direction is None
    assert effect([1, 2], [1.0, 2.0]) is None
