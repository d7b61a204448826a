"""The decorator of one's own cache: what it records, and that it obeys."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable

import pytest
from sqlalchemy import Engine, func, select

from db.session import reading
from db.tables import cache_metrics, cache_refreshes
from engine.errors import StoreError
from engine.own_cache import POLL_S, OwnCache
from engine.records import Action
from engine.settings import ROOT, Settings
from tests.engine.stubs.running import until
from tests.examples.decided import decide


def test_the_service_of_the_how_to_records_every_call(own: Settings, own_store: Engine) -> None:
    command = [sys.executable, "-m", "examples.python_service", "--n", "60"]
    said = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert said.stdout.startswith("60 calls, hit ratio 0.")
    with reading(own_store) as connection:
        rows = connection.execute(select(cache_metrics)).mappings().all()
    assert len(rows) == 60
    assert {row["cache_name"] for row in rows} == {"/prices"}
    misses = [row["load_time_ms"] for row in rows if not row["hit"]]
    hits = [row["load_time_ms"] for row in rows if row["hit"]]
    assert hits
    assert min(misses) >= 20 > sorted(hits)[len(hits) // 2]


def counted(cache: OwnCache) -> tuple[Callable[[int], bytes], list[int]]:
    asked: list[int] = []

    @cache.keep("/n")
    def answer(number: int) -> bytes:
        asked.append(number)
        return b"x" * 10

    return answer, asked


def test_it_obeys_what_is_published_and_is_plain_lru_without(
    own: Settings, own_store: Engine
) -> None:
    with OwnCache(1_000, settings=own) as cache:
        answer, asked = counted(cache)
        answer(1), answer(1)
        assert asked == [1], "nothing decided: kept"
        decide(own_store, "/n", Action.DROP)
        until(lambda: cache.cache.ruling("/n"), 5 * POLL_S)
        answer(1), answer(1)
        assert asked == [1, 1, 1], "dropped, and not kept again"
    with reading(own_store) as connection:
        acted = connection.execute(select(cache_metrics.c.rl_action_taken)).scalars().all()
    assert acted == [None, None, "drop", "drop"]


def test_what_is_used_shortly_before_its_end_is_loaded_ahead(
    own: Settings, own_store: Engine
) -> None:
    decide(own_store, "/n", Action.KEEP_REFRESH, ttl_s=1.0)
    with OwnCache(1_000, settings=own) as cache:
        answer, asked = counted(cache)
        answer(1)
        time.sleep(0.85)
        answer(1)
        until(lambda: len(asked) == 2)
    with reading(own_store) as connection:
        hits = connection.execute(select(cache_metrics.c.hit)).scalars().all()
        ahead = connection.execute(select(func.count()).select_from(cache_refreshes)).scalar()
    assert (list(hits), ahead) == ([False, True], 1)


def test_without_tables_it_says_so_in_one_sentence(own: Settings) -> None:
    with pytest.raises(StoreError, match="table"):
        OwnCache(1_000, settings=own)
