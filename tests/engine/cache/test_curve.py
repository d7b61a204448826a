"""Miss ratio curves: exact where all is replayed, honest about the error where not."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.cache.curve import WORTH, curve
from engine.cache.sampling import sampled
from engine.cache.simulator import compare
from engine.cache.sizes import spaced
from engine.cache.stackdistance import hits_by_distance
from engine.errors import PolicyError
from tests.engine.cache.generated import requests, sized, zipf_keys, zipf_with_scans


@settings(max_examples=100, deadline=None)
@given(st.lists(st.integers(0, 6), min_size=1, max_size=200))
def test_a_stack_distance_is_the_number_of_keys_since_the_last_request(keys: list[int]) -> None:
    expected = np.zeros(len(set(keys)) + 1)
    for i, key in enumerate(keys):
        if key in keys[:i]:
            last = max(j for j in range(i) if keys[j] == key)
            expected[len(set(keys[last:i]))] += i
    found = hits_by_distance(requests(keys), np.arange(len(keys), dtype=np.float64))
    assert found.tolist() == expected.tolist()


@pytest.mark.parametrize("worth", WORTH)
@pytest.mark.parametrize(("name", "by_bytes"), [("lru", False), ("lru", True), ("s3-fifo", True)])
def test_an_exact_curve_is_what_replays_miss(name: str, by_bytes: bool, worth: str) -> None:
    asked = sized(zipf_with_scans(5000, 400))
    capacities = [700, 40, 5, 2, asked.distinct * 900]
    found = curve(asked, name, capacities, by_bytes=by_bytes, worth=worth)
    assert found.rate == 1
    assert [point.capacity for point in found.points] == sorted(capacities)
    for point in found.points:
        (replayed,) = compare(asked, [name], [point.capacity], by_bytes=by_bytes)
        assert point.miss_ratio == pytest.approx(1 - getattr(replayed.whole, worth), abs=1e-12)
        assert point.exact
        assert point.low == point.high == point.miss_ratio


def test_a_curve_with_a_time_to_live_is_replayed() -> None:
    asked = zipf_with_scans(4000, 300)
    (point,) = curve(asked, "lru", [50], ttl_s=20.0).points
    (replayed,) = compare(asked, ["lru"], [50], ttl_s=20.0)
    assert point.miss_ratio == pytest.approx(1 - replayed.whole.hit_ratio, abs=1e-12)


@pytest.mark.parametrize("name", ["lru", "s3-fifo", "belady"])
def test_a_sampled_curve_states_an_error_that_holds(name: str) -> None:
    asked = requests(zipf_keys(200_000, 30_000, 5, 0.8))
    capacities = spaced(asked.distinct, 8, 2e-4)
    exact = curve(asked, name, capacities)
    estimate = curve(asked, name, capacities, limit=20_000)
    assert estimate.rate == pytest.approx(0.1)
    by_sample = [point for point in estimate.points if not point.exact]
    assert 3 <= len(by_sample) < len(capacities)
    for point, truth in zip(estimate.points, exact.points, strict=True):
        assert point.capacity == truth.capacity
        if point.exact:
            assert point == truth
            continue
        assert abs(point.miss_ratio - truth.miss_ratio) < 0.03
        assert point.low < point.miss_ratio < point.high
    held = [
        point.low <= truth.miss_ratio <= point.high
        for point, truth in zip(estimate.points, exact.points, strict=True)
    ]
    assert np.mean(held) > 0.7


def test_a_sample_keeps_all_requests_of_some_keys() -> None:
    asked = sized(zipf_with_scans(20_000, 2000))
    part = sampled(asked, 0.3, 1)
    assert 0.25 < part.distinct / asked.distinct < 0.35
    assert set(part.key.tolist()) == set(range(part.distinct))
    counts = np.bincount(asked.key)
    kept = {(int(s), float(c)) for s, c in zip(part.size, part.cost, strict=True)}
    whole = {
        (int(s), float(c)): k for k, s, c in zip(asked.key, asked.size, asked.cost, strict=True)
    }
    assert len(part) == sum(counts[whole[pair]] for pair in kept)
    assert not np.array_equal(part.size[:50], sampled(asked, 0.3, 2).size[:50])


def test_what_a_curve_cannot_count_by_is_said() -> None:
    free = requests([1, 1], costs=[0.0, 0.0])
    with pytest.raises(PolicyError, match="No request costs anything"):
        curve(free, "lru", [1], worth="load_time_saved")
    with pytest.raises(PolicyError, match="cannot be counted by 'hits'; choose one of hit_ratio"):
        curve(free, "lru", [1], worth="hits")
    with pytest.raises(PolicyError, match="cache of 0 holds nothing"):
        curve(free, "lru", [0])
    with pytest.raises(PolicyError, match="The curve was stopped"):
        curve(free, "lru", [1], beat=lambda _share, _title: True)
