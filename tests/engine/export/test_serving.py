"""Serving: a cachetools-like mapping, a decorator, decisions; wrong use is told in one sentence."""

from __future__ import annotations

import json
import shutil
import threading
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cachetools
import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.cache.value import HitValue
from engine.export.base import Subject
from engine.export.described import decider
from engine.export.serving.cache import Facts, LearnedCache
from engine.export.serving.decorator import cached
from engine.export.serving.errors import ServingError
from engine.export.serving.policy import Decider, Policy
from tests.engine.models.trained import network, policy

DECIDER = decider(Subject(policy(), "ppo"))
BY_BYTES = decider(Subject(policy(by_bytes=True, capacity=1000, value=HitValue(space=10.0)), "ppo"))
BY_COST = decider(Subject(policy(value=HitValue({"load_time_ms": 0.1}, 9.0)), "ppo"))


def test_it_has_the_interface_of_cachetools_caches() -> None:
    ours, theirs = LearnedCache(DECIDER, 10), cachetools.LRUCache[int, str](10)
    public = {name for name in dir(theirs) if not name.startswith("_")}
    assert public <= set(dir(ours))
    for cache in (ours, theirs):
        cache[1] = "one"
        cache.update({2: "two"})
        assert (cache.maxsize, cache.currsize, len(cache), cache.getsizeof("x")) == (10, 2, 2, 1)
        assert (cache[1], cache.get(3), cache.get(3, "none"), 3 in cache) == (
            "one",
            None,
            "none",
            0,
        )
        assert cache.setdefault(2, "other") == "two"
        assert cache.pop(2) == "two"
        assert cache.pop(2, None) is None
        with pytest.raises(KeyError):
            cache.pop(2)
        with pytest.raises(KeyError):
            cache[2]
        assert cache.popitem() == (1, "one")
        with pytest.raises(KeyError, match="is empty"):
            cache.popitem()
    assert repr(LearnedCache(DECIDER, 10)) == "LearnedCache(maxsize=10, currsize=0.0)"


def test_cachetools_own_decorator_takes_it() -> None:
    calls = []

    @cachetools.cached(LearnedCache(DECIDER, 5))
    def square(x: int) -> int:
        calls.append(x)
        return x * x

    assert [square(x) for x in (1, 2, 1, 2)] == [1, 4, 1, 4]
    assert calls == [1, 2]


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 12), st.integers(1, 400), st.booleans()), max_size=60))
def test_it_never_holds_more_than_it_may_and_returns_what_was_stored(
    steps: list[tuple[int, int, bool]],
) -> None:
    cache = LearnedCache(BY_BYTES, 1000, getsizeof=lambda value: value)
    stored: dict[int, int] = {}
    for key, size, drop in steps:
        if drop and key in cache:
            del cache[key]
        elif cache.get(key) is None:
            cache[key] = stored[key] = size
        assert cache.currsize == sum(cache.values()) <= 1000
        assert all(stored[held] == value for held, value in dict(cache).items())
        assert len(cache) == len(list(cache))


@pytest.mark.parametrize("key", [None, (), "", 0, frozenset({1})])
def test_any_hashable_is_a_key(key: Any) -> None:  # noqa: ANN401
    cache = LearnedCache(DECIDER, 3)
    for other in range(1, 20):
        cache[other] = other
        cache[key] = "here"
        assert cache[key] == "here"
    assert len(cache) == 3


def test_what_was_replaced_counts_its_new_size() -> None:
    cache = LearnedCache(BY_BYTES, 100, getsizeof=len)
    cache["a"] = "x" * 60
    cache["a"] = "x" * 90
    assert (cache.currsize, cache["a"]) == (90, "x" * 90)
    with pytest.raises(ValueError, match="value too large"):
        cache["b"] = "x" * 101
    assert cache.currsize == 90


def test_a_scan_does_not_sweep_out_what_is_asked_for_again() -> None:
    """With the hazard features as score: what a trained network is warm-started from."""
    cache = LearnedCache(_Index(), 50)
    for round_ in range(40):
        for key in range(30):
            if cache.get(("hot", key)) is None:
                cache["hot", key] = key
        for key in range(20):
            cache["scan", round_, key] = key
    assert sum(("hot", key) in cache for key in range(30)) >= 27
    lru = cachetools.LRUCache[Any, int](50)
    lru.update({("hot", key): key for key in range(30)})
    for key in range(50):
        lru["scan", key] = key
    assert not any(("hot", key) in lru for key in range(30))


class _Index:
    metadata = DECIDER.metadata | {"cache": DECIDER.metadata["cache"] | {"capacity": 50}}

    def scores(self, rows: np.ndarray) -> np.ndarray:
        scores: np.ndarray = rows[:, 16] + rows[:, 22]
        return scores


def test_without_what_it_was_trained_on_it_is_an_lru_cache_and_says_so_once() -> None:
    cache = LearnedCache(BY_COST, 4)
    lru = cachetools.LRUCache[int, int](4)
    with pytest.warns(RuntimeWarning, match="was trained on load_time_ms, which results lack"):
        cache[0] = lru[0] = 0
    chance = np.random.default_rng(2)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for key in chance.integers(0, 9, 300).tolist():
            assert (key in cache) == (key in lru)
            if lru.get(key) is None:
                lru[key] = key
            if cache.get(key) is None:
                cache[key] = key
    assert set(cache) == set(lru)


def test_what_is_told_is_used() -> None:
    cache = LearnedCache(BY_COST, 4, describe=lambda key, _value: Facts("/a", 10, float(key) + 1))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for key in range(30):
            cache[key] = key
    assert len(cache) == 4
    key, value = cache.popitem()
    assert key == value
    assert len(cache) == 3


def test_the_decorator_tells_load_times_and_shares_its_cache_between_threads() -> None:
    calls = []

    @cached(BY_COST, 100)
    def load(x: int, *, y: int = 0) -> int:
        """Load."""
        calls.append((x, y))
        time.sleep(0.001)
        return x + y

    threads = [
        threading.Thread(target=lambda: [load(x % 20, y=1) for x in range(200)]) for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    cache: LearnedCache = load.cache  # type: ignore[attr-defined]
    assert set(calls) == {(x, 1) for x in range(20)}
    assert len(calls) <= 80
    assert len(cache) == 20
    assert load.__doc__ == "Load."
    assert min(facts.load_time_ms or 0.0 for facts in cache._facts.values()) >= 1.0
    assert load(3) == 3
    assert load(3, y=0) == 3  # other arguments, another key


def test_a_result_too_large_is_returned_and_not_kept() -> None:
    load = cached(BY_BYTES, 10, getsizeof=len)(lambda n: "x" * n)
    assert (load(5), load(50)) == ("x" * 5, "x" * 50)
    assert list(load.cache) == [(5,)]  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: LearnedCache(DECIDER, 0), "A cache of 0 holds nothing"),
        (lambda: LearnedCache(DECIDER, -1), "A cache of -1 holds nothing"),
        (lambda: LearnedCache(DECIDER, float("nan")), "A cache of nan"),  # type: ignore[arg-type]
        (lambda: LearnedCache(DECIDER, float("inf")), "A cache of inf"),  # type: ignore[arg-type]
        (lambda: LearnedCache(BY_BYTES), "give getsizeof"),
        (lambda: LearnedCache(DECIDER, getsizeof=len), "leave getsizeof out"),
        (lambda: LearnedCache("/nowhere"), "There is no export in /nowhere"),
    ],
)
def test_a_cache_that_does_not_fit_is_refused(make: Callable[[], LearnedCache], words: str) -> None:
    with pytest.raises(ServingError, match=words):
        make()


def test_features_are_held_to_what_the_policy_was_trained_on() -> None:
    rows = np.zeros((3, 24), np.float32)
    names = list(DECIDER.features)
    assert DECIDER.decide(rows[:, None], names).tolist() == DECIDER.decide(rows[:, None]).tolist()
    swapped = [names[1], names[0], *names[2:]]
    cases: list[tuple[Any, Any, str]] = [
        (rows[:, None], swapped, "Feature 0 is 'gap_1' and should be 'age'"),
        (rows[:, None], names[:-1], "needs the feature rate_soon, which is not given"),
        (rows[:, None], [*names, "hit"], "not trained on hit; leave it out"),
        (rows[:, None, :-1], None, r"24 features\], got shape \[3, 1, 23\]"),
        (rows, None, r"got shape \[3, 24\]"),
        (rows[:, None][:, :0], None, r"got shape \[3, 0, 24\]"),
        ([[["a"] * 24]], None, r"no array of numbers \(could not convert string"),
        ([[[0.0] * 24], [[0.0] * 23]], None, "no array of numbers .*; give each row one number"),
        (np.full((2, 2, 24), np.nan), None, "Feature 'age' of candidate 0 in decision 0 is nan"),
        (np.full((1, 1, 24), -np.inf), None, "Feature 'age' of candidate 0 in decision 0 is -inf"),
    ]
    for given_, named, words in cases:
        with pytest.raises(ServingError, match=words):
            DECIDER.decide(given_, named)


def test_finite_numbers_of_any_size_are_decided_in_silence() -> None:
    largest = float(np.finfo(np.float32).max)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        huge = DECIDER.run(np.full((1, 1, 24), largest))[0]
        clipped = DECIDER.run(np.full((1, 1, 24), 1e6))[0]
    assert huge.tolist() == clipped.tolist()


def test_columns_by_name_come_in_any_order() -> None:
    rows = np.random.default_rng(3).normal(size=(7, 24)).astype(np.float32)
    columns = {name: rows[:, at] for at, name in enumerate(DECIDER.features)}
    shuffled = dict(sorted(columns.items()))
    assert np.array_equal(DECIDER.rows(shuffled), rows)
    with pytest.raises(ServingError, match="needs the feature age"):
        DECIDER.rows({k: v for k, v in shuffled.items() if k != "age"})
    with pytest.raises(ServingError, match="not trained on hit_ratio"):
        DECIDER.rows(shuffled | {"hit_ratio": rows[:, 0]})
    with pytest.raises(ServingError, match="no array of numbers"):
        DECIDER.rows(shuffled | {"age": rows[:3, 0]})


def test_an_export_is_loaded_only_as_it_was_written(folder: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(folder, copy)
    loaded = Policy(copy)
    given_ = np.random.default_rng(4).normal(size=(1000, 5, 24)).astype(np.float32)
    assert (loaded.decide(given_) == DECIDER.decide(given_)).all()
    assert loaded.self_test() == 32

    def refused(words: str) -> None:
        with pytest.raises(ServingError, match=words):
            Policy(copy)

    told = json.loads((copy / "metadata.json").read_bytes())
    (copy / "policy.onnx").write_bytes(b"other")
    refused("policy.onnx in .* is not the file that was exported")
    (copy / "metadata.json").write_text(json.dumps(told | {"format": 99}))
    refused("has format 99 and this file reads up to 1")
    (copy / "metadata.json").write_text(json.dumps(told | {"files": {}}))
    refused("does not know policy.onnx")
    (copy / "policy.onnx").unlink()
    refused("lacks policy.onnx")
    (copy / "metadata.json").write_text("{")
    refused("metadata.json in .* is damaged")
    (copy / "metadata.json").unlink()
    refused("There is no export in")


def test_a_machine_that_decides_otherwise_is_told() -> None:
    class Elsewhere(Policy):
        def __init__(self) -> None:
            other = decider(Subject(policy(3), "ppo"))
            Decider.__init__(self, GOLDEN, other.run)

    with pytest.raises(ServingError, match="does not decide here as where it was exported"):
        Elsewhere().self_test()


GOLDEN = DECIDER.metadata | {
    "golden": [
        {
            "candidates": network().mean[None, None].tolist(),
            "scores": [[0.0]],
            "action": [0],
        }
    ]
}


def test_metadata_is_json() -> None:
    assert json.loads(msgspec.json.encode(DECIDER.metadata))["fill"] == []
