"""How long a cache holds what it holds."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from engine.cache.base import Room
from engine.training.lifetime import lifetime
from tests.engine.training.generated import requests


def test_where_every_request_misses_a_result_stays_for_as_many_as_there_are_places() -> None:
    made = dataclasses.replace(
        requests(1_000, distinct=1_000), key=np.arange(1_000, dtype=np.int32)
    )
    assert lifetime(made, Room(50, by_bytes=False, distinct=1_000)) == 50


def test_where_half_the_requests_miss_it_stays_twice_as_long() -> None:
    key = np.repeat(np.arange(500), 2).astype(np.int32)
    made = dataclasses.replace(requests(1_000, distinct=500), key=key)
    assert lifetime(made, Room(50, by_bytes=False, distinct=500)) == 100


def test_bytes_count_what_misses_bring() -> None:
    made = dataclasses.replace(
        requests(1_000, distinct=1_000),
        key=np.arange(1_000, dtype=np.int32),
        size=np.full(1_000, 40, np.int64),
    )
    assert lifetime(made, Room(2_000, by_bytes=True, distinct=1_000)) == pytest.approx(50)


def test_a_cache_that_never_misses_has_a_lifetime_too() -> None:
    made = dataclasses.replace(requests(1_000), key=np.zeros(1_000, np.int32))
    assert lifetime(made, Room(5, by_bytes=False, distinct=1_200)) == 5_000
