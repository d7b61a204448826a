"""Policies beside the same rules written down plainly."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.cache import POLICIES
from engine.cache.base import Room
from engine.cache.slru import SLRU
from engine.cache.threequeues import start_three_queues
from engine.cache.wtinylfu import WTinyLFU1
from engine.errors import PolicyError
from engine.registry import resolve
from tests.engine.cache import naive
from tests.engine.cache.generated import numbers, requests, zipf_with_scans

KEYS = st.lists(st.integers(0, 14), min_size=1, max_size=200)


def hits_of(
    name: str, keys: Sequence[int], capacity: int, costs: Sequence[float] | None = None
) -> list[int]:
    asked = requests(keys, None, costs)
    policy = resolve(POLICIES, name, "policy")()
    return numbers(policy.start_for(Room(capacity, False, asked.distinct), asked, 0).feed(asked))


@settings(max_examples=150, deadline=None)
@given(KEYS, st.integers(1, 12))
@pytest.mark.parametrize(
    ("name", "plain"),
    [
        ("lru", naive.lru),
        ("fifo", naive.fifo),
        ("lfu", naive.lfu),
        ("slru", naive.slru),
        ("sieve", naive.sieve),
        ("arc", naive.arc),
    ],
)
def test_it_hits_what_the_plain_rule_hits(
    name: str, plain: Callable[[Sequence[int], int], list[bool]], keys: list[int], capacity: int
) -> None:
    assert hits_of(name, keys, capacity) == numbers(plain(keys, capacity))


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 14), st.sampled_from([0.0, 1.0, 2.5, 40.0]))), st.data())
def test_gdsf_by_cost_hits_what_the_plain_rule_hits(
    stream: list[tuple[int, float]], data: st.DataObject
) -> None:
    keys, costs = [key for key, _ in stream], [cost for _, cost in stream]
    capacity = data.draw(st.integers(1, 10))
    expected = numbers(naive.gdsf(keys, costs, capacity))
    assert hits_of("gdsf-cost", keys, capacity, costs) == expected


@settings(max_examples=80, deadline=None)
@given(st.lists(st.integers(0, 5), min_size=1, max_size=14), st.integers(1, 4))
def test_belady_has_the_most_hits_that_trying_everything_finds(
    keys: list[int], capacity: int
) -> None:
    assert sum(hits_of("belady", keys, capacity)) == naive.most_hits(tuple(keys), capacity)


def test_two_queues_forgive_an_early_eviction_once() -> None:
    # Capacity 4: one place for newcomers, ghosts of 2. 1 leaves for 2, 3, 4, 5; asked for again
    # while its ghost is there, it joins the main queue and outlives a scan.
    keys = [1, 2, 3, 4, 5, 1, 6, 7, 8, 9, 1]
    assert hits_of("2q", keys, 4)[-1] == 1
    assert hits_of("lru", keys, 4)[-1] == 0


def test_lirs_keeps_its_set_through_a_scan_that_empties_lru() -> None:
    warm = [*range(8)] * 4
    keys = [*warm, *range(100, 150), *range(8)]
    assert sum(hits_of("lirs", keys, 10)[-8:]) == 8
    assert sum(hits_of("lru", keys, 10)[-8:]) == 0


def test_the_three_queues_differ_by_what_correlated_requests_earn() -> None:
    # Newcomers are asked for three times at once and never again: heat to one, not to the other.
    hot = np.random.default_rng(0).integers(0, 85, 3000)
    keys = np.stack([hot, *[np.arange(1000, 4000)] * 3], axis=1).ravel()
    asked = requests(keys)
    room = Room(100, False, asked.distinct)
    heated = start_three_queues(room, threshold=1, most=1, window=0.0).feed(asked)
    windowed = start_three_queues(room, threshold=1, most=1, window=0.5).feed(asked)
    assert windowed.mean() > heated.mean() + 0.03


def test_w_tinylfu_keeps_what_is_frequent_from_a_scan() -> None:
    asked = zipf_with_scans()
    room = Room(300, False, asked.distinct)
    plain = resolve(POLICIES, "lru", "policy")().start(room).feed(asked).mean()
    for name in ("w-tinylfu-1", "w-tinylfu-10", "w-tinylfu-20", "w-tinylfu-adaptive"):
        assert resolve(POLICIES, name, "policy")().start(room).feed(asked).mean() > plain + 0.03


def test_the_adaptive_window_grows_where_recency_is_all() -> None:
    # Keys come in bursts and never again: the longer the window the better.
    bursts = np.arange(3000).repeat(4).reshape(-1, 120)
    rng = np.random.default_rng(0)
    asked = requests(np.concatenate([rng.permutation(burst) for burst in bursts]))
    room = Room(60, False, asked.distinct)
    fixed = WTinyLFU1().start(room).feed(asked).mean()
    adaptive = resolve(POLICIES, "w-tinylfu-adaptive", "policy")().start(room).feed(asked).mean()
    assert adaptive > fixed + 0.1


def test_segments_must_be_shares_of_the_whole() -> None:
    for shares in ((), (0.5, 0.6), (0.0, 1.0)):
        with pytest.raises(PolicyError, match="sum to 1"):
            SLRU(shares)


def test_seeds_draw_other_samples() -> None:
    asked = zipf_with_scans(8000, 600)
    room = Room(50, False, asked.distinct)
    for name in ("hyperbolic", "lhd", "belady-value"):
        policy = resolve(POLICIES, name, "policy")()
        one, other = (policy.start_for(room, asked, seed).feed(asked) for seed in (1, 2))
        assert not np.array_equal(one, other)
        assert abs(one.mean() - other.mean()) < 0.02
