"""Statistics against values worked out by hand or drawn in plain loops."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest

from engine.study.effects import effect
from engine.study.statistics import (
    compare,
    compare_strata,
    improvement,
    sentence,
    signed_rank,
    stratified,
    summary,
)
from engine.study.values import ranked


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


def test_the_stratified_interval_is_that_of_plain_loops() -> None:
    rng = np.random.default_rng(3)
    strata = [list(rng.normal(middle, 1.0, n)) for middle, n in ((0.0, 5), (10.0, 8), (-4.0, 6))]
    found = stratified(strata)
    drawn = []
    for _ in range(4000):
        runs = sorted(itertools.chain.from_iterable(rng.choice(one, len(one)) for one in strata))
        cut = len(runs) // 4
        drawn.append(np.mean(runs[cut : len(runs) - cut]))
    low, high = np.percentile(drawn, (2.5, 97.5))
    assert found.low == pytest.approx(low, abs=0.15)
    assert found.high == pytest.approx(high, abs=0.15)
    pooled = summary(list(itertools.chain.from_iterable(strata)))
    assert found.high - found.low < 0.6 * (pooled.high - pooled.low)


def test_runs_meet_within_their_stratum_only() -> None:
    """Each value leads in its stratum, whatever the other stratum adds to both."""
    easy = ({0: 11.0, 1: 12.0, 2: 13.0}, {0: 10.0, 1: 11.0, 2: 12.0})
    hard = ({0: 1.5, 1: 2.5}, {0: 1.0, 1: 2.0})
    found = compare_strata([easy, hard, ({}, {0: 1.0})])
    assert found is not None
    # Pairs of runs, ties half: 7 of 9 and 3 of 4.
    assert found.improvement.value == pytest.approx((7 / 9 + 3 / 4) / 2)
    assert found.runs == 5
    assert found.lead.value > 0
    assert improvement(*hard) == pytest.approx(3 / 4)
    assert improvement({0: 1.0}, {1: 1.0}) is None
    assert compare_strata([({0: 1.0}, {1: 2.0})]) is None
    one = compare(*easy)
    assert one == compare_strata([easy])


def test_a_value_is_ranked_over_all_that_else_was_varied() -> None:
    configs = {
        number: {"rate": rate, "size": size}
        for number, (rate, size) in enumerate(itertools.product((0.1, 0.3), (1, 2, 3)))
    }
    luck = (0.0, 0.3, -0.2, 0.1)
    # A size is worth far more than a rate, which pooling would drown in.
    runs = {
        number: {seed: 10.0 * one["size"] + (one["rate"] == 0.3) + luck[seed] for seed in range(4)}
        for number, one in configs.items()
    }
    best, other = ranked("rate", configs, runs)
    assert (best.value, best.trials, best.runs) == (0.3, 3, 12)
    assert best.over is not None
    assert best.over.distinguishable
    assert best.over.improvement.value == 1.0
    assert best.middle.low <= best.middle.value <= best.middle.high
    assert other.over is None
    del configs[0], configs[1], configs[2]
    assert ranked("rate", configs, runs) == [], "only one value is left"
    assert ranked("size", configs, runs) == [], "one configuration a value tells nothing more"


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
