"""What the pages read of a busy hour is whole: no limit cuts it in silence."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine

from dashboard.charts.endpoints import percentile_table
from db import tables
from db.migrations import migrate
from db.queries import pages, pages_learning, traffic
from db.session import open_store, writing
from engine.histogram import Histogram, merged

START, HOUR, ENDPOINTS = 1_800_000_000, 3600, 20
MIDDLE = START + 120
"""The hour begins inside a stretch of five minutes."""


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Engine]:
    made = open_store(f"sqlite:///{tmp_path / 'hour.sqlite3'}")
    migrate(made)
    yield made
    made.dispose()


def write(store: Engine, table: str, rows: list[dict[str, Any]]) -> None:
    with writing(store) as connection:
        for start in range(0, len(rows), 2_000):
            connection.execute(tables.metadata.tables[table].insert(), rows[start : start + 2_000])


def decision(at: int, endpoint: int) -> dict[str, Any]:
    return {
        "prediction_id": f"{at}-{endpoint}",
        "at": at - 0.3,
        "source": 1,
        "agent": "qlearning",
        "cache_name": f"/{endpoint}",
        "action": "keep_long" if endpoint % 2 else "drop",
        "ttl_seconds": 90.0,
        "refresh_ahead": False,
        "valid_from": float(at),
        "valid_until": at + 5.0,
        "published": True,
        "state": f"{endpoint % 3}.0.0.0",
        "q_values": [0.0, 0.0, 0.0, 0.0],
        "explored": endpoint == 0,
        "exploration": 0.05,
        "reason": "",
    }


def reward(at: int, endpoint: int) -> dict[str, Any]:
    return {
        "prediction_id": f"{at}-{endpoint}",
        "at": at + 7.0,
        "source": 1,
        "cache_name": f"/{endpoint}",
        "action": "drop",
        "valid_from": float(at),
        "reward_ms": None if endpoint == 0 else 10.0,
    }


def test_an_hour_of_decisions_and_rewards_is_counted_whole(store: Engine) -> None:
    rounds = range(START, START + HOUR, 5)
    write(store, "decisions", [decision(at, n) for at in rounds for n in range(ENDPOINTS)])
    write(store, "rewards", [reward(at, n) for at in rounds for n in range(ENDPOINTS)])
    made = len(rounds) * ENDPOINTS
    summed = pages_learning.rounds_frame(store, 1, START - 1)
    assert (summed["count"].sum(), summed["explored"].sum()) == (made, len(rounds))
    assert summed["valid_from"].iloc[[0, -1]].tolist() == [rounds[0], rounds[-1]]
    assert pages_learning.visits_frame(store, 1, START - 1)["count"].sum() == made
    paid = pages_learning.rewards_frame(store, 1, START)
    assert paid["judged"].sum() == len(rounds) * (ENDPOINTS - 1)
    assert paid["without"].sum() == len(rounds)
    assert paid["reward_ms"].sum() == 10.0 * paid["judged"].sum()
    assert len(pages_learning.decisions_frame(store, 1, START - 1)) == 200


def bucket(width: int, at: int, endpoint: int) -> dict[str, Any]:
    loads = Histogram()
    loads.add(5.0, width)
    zero: dict[str, Any] = dict.fromkeys(traffic.SUMS, 0)
    return zero | {
        "source": 1,
        "policy": "recorded",
        "width": width,
        "at": at,
        "cache_name": f"/{endpoint}",
        "requests": width,
        "load_histogram": loads.to_json(),
    }


@pytest.mark.parametrize("has_coarse", [True, False])
def test_load_times_of_an_hour_count_every_request_once(store: Engine, has_coarse: bool) -> None:
    ends = MIDDLE + HOUR
    rows = [bucket(10, at, n) for at in range(START, ends, 10) for n in range(ENDPOINTS)]
    if has_coarse:
        rows += [bucket(300, at, n) for at in range(START, ends, 300) for n in range(ENDPOINTS)]
    write(store, "rollups", rows)
    found = pages.endpoint_histograms_frame(store, 1, MIDDLE, 10)
    assert percentile_table(found)["endpoint"].nunique() == ENDPOINTS
    for _, group in found.groupby("cache_name"):
        assert sum(merged(group["load_histogram"]).counts.values()) == HOUR
    if has_coarse:
        assert len(found) < 5_000
