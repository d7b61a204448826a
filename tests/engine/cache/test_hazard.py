"""The reuse index against a slow computation and against what it must be."""

from __future__ import annotations

import numpy as np
import pytest

from engine.cache import hazard
from engine.cache.base import Room
from engine.cache.hazard import BINS, COUNTERS, RECENCY
from engine.cache.hybrid import HybridReplay, index_policy
from tests.engine.training.generated import requests

EDGES = 2.0 ** (np.arange(BINS + 1) / 2) - 1


def slowly(rate: np.ndarray, age: int, lifetime: float) -> tuple[float, float]:
    """log2 of the best hits per lifetime from this age on, and P(reuse within one)."""
    best, soon, reuse, held, alive = 0.0, 0.0, 0.0, 0.0, 1.0
    for later in range(age, BINS):
        held += alive * (EDGES[later + 1] - EDGES[later]) * (1 - 0.5 * rate[later])
        reuse += alive * rate[later]
        alive *= 1 - rate[later]
        best = max(best, reuse / held)
        if EDGES[later] - EDGES[age] < lifetime:
            soon = reuse
        if EDGES[later] - EDGES[age] > 8 * lifetime:
            break
    return float(np.log2(best + 1e-9) + np.log2(lifetime)), soon


def test_the_index_is_the_best_rate_of_hits_that_can_still_be_had() -> None:
    lifetime = 120.0
    replay = HybridReplay(index_policy(Room(60, False, 1_200), lifetime), Room(60, False, 1_200))
    made = requests()
    replay.feed(made.slice(0, 11_501))  # the last is where the tables are refreshed
    tables = replay._history.tables
    decay = replay._history.decay
    reused, reached = tables.reused / decay, (tables.reused + tables.left) / decay
    reached = reached[:, ::-1].cumsum(1)[:, ::-1]
    rows = np.flatnonzero(reached[:, 0] > 50)
    assert {RECENCY, COUNTERS} & set(rows.tolist()) or len(rows) > 4
    for row in rows:
        rate = np.minimum((reused[row] + 0.02) / (reached[row] + 1), 0.999)
        for age in range(0, BINS, 5):
            index, soon = slowly(rate, age, lifetime)
            assert tables.gittins[row, age] == pytest.approx(index, abs=1e-4)
            assert tables.soon[row, age] == pytest.approx(soon, abs=1e-5)


def test_tables_that_have_seen_nothing_prefer_no_class() -> None:
    made = hazard.empty(100.0)
    assert (made.gittins == made.gittins[0]).all()
    assert (made.soon[:, 0] < 0.5).all()


def test_what_comes_back_soon_is_worth_more_than_what_never_does() -> None:
    keys = np.concatenate([np.tile(np.arange(20), 300), np.arange(20, 6_020)]).astype(np.int32)
    order = np.argsort(np.concatenate([np.arange(6_000) * 2, np.arange(6_000) * 2 + 1]))
    made = requests(12_000, distinct=6_020)
    mixed = type(made)(made.time, keys[order], made.group * 0, made.size, made.cost, 6_020)
    room = Room(50, by_bytes=False, distinct=6_020)
    hits = HybridReplay(index_policy(room, 80.0), room).feed(mixed)
    assert hits[6_000:].mean() > 0.49  # all that can be had: every second request
