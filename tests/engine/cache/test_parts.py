"""The structures that compiled policies share, through small compiled drivers."""

from __future__ import annotations

from collections import Counter

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from engine.cache.draws import draw, new_chance
from engine.cache.heap import Heap, contains, least, new_heap, put, remove
from engine.cache.jit import compiled
from engine.cache.sketch import count, estimate, halve, new_sketch

Array = NDArray[np.float64]


@compiled
def _drive(heap: Heap, keys: Array, priorities: Array, leasts: Array) -> None:
    """Put a key in, or take it out where its priority is negative; note the least each time."""
    for i in range(len(keys)):
        key = int(keys[i])
        if priorities[i] >= 0:
            put(heap, key, priorities[i])
        elif contains(heap, key):
            remove(heap, key)
        leasts[i] = least(heap) if heap.number[0] else -1


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 9), st.integers(-3, 5)), min_size=1, max_size=80))
def test_a_heap_gives_the_least_and_of_equals_the_earliest(steps: list[tuple[int, int]]) -> None:
    held: dict[int, tuple[int, int]] = {}
    expected = []
    for now, (key, priority) in enumerate(steps):
        if priority >= 0:
            held[key] = (priority, now)
        else:
            held.pop(key, None)
        expected.append(min(held, key=held.__getitem__) if held else -1)
    found = np.zeros(len(steps))
    keys, priorities = (np.array(column, np.float64) for column in zip(*steps, strict=True))
    _drive(new_heap(10, 10), keys, priorities, found)
    assert found.astype(int).tolist() == expected


@compiled
def _sketched(sketch: NDArray[np.uint8], keys: Array, halvings: int, found: Array) -> None:
    for i in range(len(keys)):
        count(sketch, int(keys[i]))
    for _ in range(halvings):
        halve(sketch)
    for key in range(len(found)):
        found[key] = estimate(sketch, key)


def test_a_sketch_never_counts_too_few_and_seldom_too_many() -> None:
    keys = np.random.default_rng(0).integers(0, 500, 2000).astype(np.float64)
    found = np.zeros(1000)
    _sketched(new_sketch(1000), keys, 0, found)
    truth = Counter(keys.astype(int).tolist())
    over = [found[key] - min(15, truth[key]) for key in range(1000)]
    assert min(over) >= 0
    assert np.mean(over) < 0.1


def test_halving_lets_the_past_weigh_half() -> None:
    found = np.zeros(1)
    _sketched(new_sketch(64), np.zeros(40), 2, found)
    assert found[0] == 15 >> 2


@compiled
def _drawn(chance: NDArray[np.uint64], below: int, found: Array) -> None:
    for i in range(len(found)):
        found[i] = draw(chance, below)


def test_draws_are_even_and_told_by_their_seed() -> None:
    one, again, other = np.zeros(21_000), np.zeros(21_000), np.zeros(21_000)
    _drawn(new_chance(4), 7, one)
    _drawn(new_chance(4), 7, again)
    _drawn(new_chance(5), 7, other)
    assert np.array_equal(one, again)
    assert not np.array_equal(one, other)
    shares = np.bincount(one.astype(int), minlength=7) / len(one)
    assert len(shares) == 7
    assert np.abs(shares - 1 / 7).max() < 0.01
