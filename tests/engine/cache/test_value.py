"""What a hit is worth."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from engine.cache.value import LOAD_TIME, OBJECTIVES, SIZE, HitValue, fit_value
from engine.errors import TrainingError
from tests.engine.training.generated import requests


def test_without_weights_every_hit_is_worth_the_same() -> None:
    assert (HitValue().of(requests(50)) == 1).all()


@pytest.mark.parametrize("objective", OBJECTIVES)
def test_a_hit_is_worth_one_on_average(objective: str) -> None:
    made = requests()
    value = fit_value(made, OBJECTIVES[objective], by_bytes=False)
    assert value.of(made).mean() == pytest.approx(1.0, rel=0.02)


def test_metrics_add_up_by_their_weights() -> None:
    made = requests()
    value = fit_value(made, {LOAD_TIME: 2.0, SIZE: 1.0}, by_bytes=False)
    wanted = 2 * made.cost / made.cost.mean() + made.size / made.size.mean()
    assert value.of(made) == pytest.approx(np.minimum(wanted, value.limit))


def test_one_outlier_does_not_rule() -> None:
    made = requests()
    cost = made.cost.copy()
    cost[77] = 1e9
    value = fit_value(dataclasses.replace(made, cost=cost), {LOAD_TIME: 1.0}, by_bytes=False)
    assert value.of(dataclasses.replace(made, cost=cost))[77] == value.limit
    assert value.limit < 1.0


def test_space_counts_where_the_capacity_counts_bytes() -> None:
    made = requests()
    value = fit_value(made, {}, by_bytes=True)
    assert value.density(made) == pytest.approx(made.size.mean() / made.size)
    by_size = fit_value(made, {SIZE: 1.0}, by_bytes=True)
    assert by_size.density(made) == pytest.approx(np.ones(len(made)))


def test_spread_tells_how_many_unequal_ones_count_as_one() -> None:
    made = requests(1_000)
    alike = dataclasses.replace(made, size=np.full(1_000, 700))
    few = dataclasses.replace(made, size=np.where(np.arange(1_000) % 10, 1, 1_000_000))
    for objective in OBJECTIVES.values():
        assert fit_value(few, objective, by_bytes=True).spread == pytest.approx(10.0, rel=0.001)
        assert fit_value(alike, objective, by_bytes=True).spread == pytest.approx(1.0)
        assert fit_value(few, objective, by_bytes=False).spread == 1.0


def test_a_missing_or_negative_metric_is_worth_next_to_nothing() -> None:
    made = requests()
    cost = made.cost.copy()
    cost[0], cost[1] = np.nan, -5.0
    seen = fit_value(made, {LOAD_TIME: 1.0}, by_bytes=False).of(
        dataclasses.replace(made, cost=cost)
    )
    assert 0 < seen[0] == seen[1] < 0.01


def test_an_unknown_metric_is_named_with_those_there_are() -> None:
    with pytest.raises(TrainingError, match=r"'colour' to weigh.*load_time_ms, size_bytes, hit"):
        fit_value(requests(100), {"colour": 1.0}, by_bytes=False)


def test_a_metric_that_is_nothing_cannot_weigh() -> None:
    made = dataclasses.replace(requests(100), cost=np.zeros(100))
    with pytest.raises(TrainingError, match=r"'load_time_ms' is 0 on average"):
        fit_value(made, {LOAD_TIME: 1.0}, by_bytes=False)
