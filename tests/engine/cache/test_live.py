from __future__ import annotations

import threading
import time

import pytest

from engine.cache.live import LiveCache, Ruling
from engine.clock import ManualClock, SystemClock

LONG = 1e9


def held(cache: LiveCache, *keys: str) -> list[str]:
    """Which of the keys are held, least recently used first being irrelevant."""
    return [key for key in keys if cache.get(key, "e") is not None]


def filled(capacity: int = 100, ttl: float = 60.0) -> tuple[LiveCache, ManualClock]:
    clock = ManualClock(1_000.0)
    return LiveCache(capacity, ttl, clock), clock


def test_the_least_recently_used_entry_leaves_first() -> None:
    cache, _ = filled(30)
    for key in "abc":
        assert cache.put(key, "e", b"", 10, 1.0)
    assert cache.get("a", "e") is not None
    assert cache.put("d", "e", b"", 10, 1.0)
    assert held(cache, "a", "b", "c", "d") == ["a", "c", "d"]


def test_an_entry_larger_than_the_cache_is_refused_and_its_outdated_form_dropped() -> None:
    cache, _ = filled(30)
    cache.put("a", "e", b"", 10, 1.0)
    cache.put("b", "e", b"", 10, 1.0)
    assert not cache.put("a", "e", b"", 31, 1.0)
    assert held(cache, "a", "b") == ["b"]


def test_an_entry_ends_with_its_time_to_live() -> None:
    cache, clock = filled(ttl=60)
    cache.put("a", "e", b"x", 10, 1.0)
    clock.advance(59.9)
    assert cache.get("a", "e") is not None
    clock.advance(0.1)
    assert cache.get("a", "e") is None
    assert cache.used_bytes == 0


def test_a_ruling_not_to_keep_drops_what_is_held_at_once_and_refuses_more() -> None:
    cache, clock = filled()
    cache.put("a", "e", b"", 10, 1.0)
    cache.put("x", "other", b"", 10, 1.0)
    cache.rule({"e": Ruling(False, 0, False, clock.now() + 5)})
    assert cache.used_bytes == 10
    assert not cache.put("a", "e", b"", 10, 1.0)
    assert cache.get("x", "other") is not None


def test_a_ruling_ends_at_its_time_and_plain_lru_returns() -> None:
    cache, clock = filled()
    cache.rule({"e": Ruling(False, 0, False, clock.now() + 5)})
    clock.advance(5)
    assert cache.ruling("e") is None
    assert cache.put("a", "e", b"", 10, 1.0)
    clock.advance(59)
    assert cache.get("a", "e") is not None


def test_a_shorter_time_to_live_ends_entries_already_held() -> None:
    cache, clock = filled(ttl=60)
    cache.put("old", "e", b"", 10, 1.0)
    clock.advance(20)
    cache.put("young", "e", b"", 10, 1.0)
    cache.rule({"e": Ruling(True, 15, False, LONG)})
    assert held(cache, "old", "young") == ["young"]
    clock.advance(15)
    assert held(cache, "young") == []


def test_a_longer_time_to_live_prolongs_entries_already_held() -> None:
    cache, clock = filled(ttl=60)
    cache.put("a", "e", b"", 10, 1.0)
    cache.rule({"e": Ruling(True, 240, False, LONG)})
    clock.advance(239)
    assert cache.get("a", "e") is not None
    clock.advance(1)
    assert cache.get("a", "e") is None


def test_what_expired_under_a_short_ruling_does_not_come_back_when_it_ends() -> None:
    cache, clock = filled(ttl=600)
    cache.put("a", "e", b"", 10, 1.0)
    cache.rule({"e": Ruling(True, 5, False, clock.now() + 6)})
    clock.advance(10)
    assert cache.get("a", "e") is None


def test_an_outdated_ruling_changes_nothing() -> None:
    cache, clock = filled()
    cache.put("a", "e", b"", 10, 1.0)
    cache.rule({"e": Ruling(False, 0, False, clock.now())})
    assert cache.get("a", "e") is not None


def test_used_entries_are_due_for_refresh_once_shortly_before_they_expire() -> None:
    cache, clock = filled()
    cache.rule({"e": Ruling(True, 10, True, LONG)})
    cache.put("used", "e", b"", 10, 1.0)
    cache.put("unused", "e", b"", 10, 1.0)
    cache.put("used", "plain", b"", 10, 1.0)
    cache.put("used", "e", b"", 10, 1.0)
    cache.get("used", "e")
    clock.advance(7.9)
    assert cache.due_for_refresh() == []
    clock.advance(0.1)
    assert [entry.key for entry in cache.due_for_refresh()] == ["used"]
    assert cache.due_for_refresh() == []
    cache.put("used", "e", b"new", 10, 1.0)
    clock.advance(9)
    assert cache.due_for_refresh() == [], "not used since its last load"


def test_loading_again_is_no_use_in_the_order() -> None:
    cache, _ = filled(30)
    for key in "abc":
        cache.put(key, "e", b"", 10, 1.0)
    cache.put("a", "e", b"new", 10, 1.0)
    cache.put("d", "e", b"", 10, 1.0)
    assert held(cache, "a", "b") == ["b"]


def test_occupancy_counts_bytes_over_time_exactly_to_the_expiry() -> None:
    cache, clock = filled(ttl=4)
    cache.put("a", "e", b"", 10, 1.0)
    clock.advance(2)
    cache.put("b", "f", b"", 5, 1.0)
    clock.advance(1)
    assert cache.occupancy() == {"e": (1, 10, 30.0), "f": (1, 5, 5.0), "*": (2, 15, 35.0)}
    clock.advance(10)
    assert cache.occupancy() == {"e": (0, 0, 10.0), "f": (0, 0, 15.0), "*": (0, 0, 25.0)}
    assert cache.occupancy() == {"*": (0, 0, 0.0)}


def test_the_hit_ratio_is_that_of_recent_requests() -> None:
    cache, _ = filled()
    cache.put("a", "e", b"", 10, 1.0)
    for _ in range(500):
        cache.get("missing", "e")
    assert cache.hit_ratio == 0
    for _ in range(250):
        cache.get("a", "e")
    assert cache.hit_ratio == 0.5


@pytest.mark.parametrize(("capacity", "ttl"), [(0, 1.0), (10, 0.0), (10, float("nan"))])
def test_a_cache_that_could_hold_nothing_is_refused(capacity: int, ttl: float) -> None:
    with pytest.raises(ValueError, match="give"):
        LiveCache(capacity, ttl, ManualClock())


def test_threads_leave_the_bookkeeping_whole() -> None:
    cache = LiveCache(1_000, 0.005, SystemClock())

    def work(seed: int) -> None:
        for step in range(3_000):
            key = str((step * 7 + seed) % 60)
            name = f"e{int(key) % 3}"
            if cache.get(key, name) is None:
                cache.put(key, name, b"", 10 + int(key), 1.0)
            if step % 100 == 0:
                keep = step % 200 == 0
                cache.rule({name: Ruling(keep, 0.01, keep, time.time() + 0.01)})
                cache.occupancy()
                cache.due_for_refresh()

    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    items, held_bytes, _ = cache.occupancy()["*"]
    assert 0 <= held_bytes <= 1_000
    assert items == cache.item_count
    time.sleep(0.02)
    assert cache.occupancy()["*"][:2] == (0, 0)


def test_the_cost_of_an_operation_does_not_grow_with_what_is_held() -> None:
    def cost(items: int) -> float:
        cache = LiveCache(items * 10, 1e6, ManualClock())
        for key in range(items):
            cache.put(str(key), f"e{key % 5}", None, 10, 1.0)
        best = float("inf")
        for attempt in range(5):
            begun = time.perf_counter()
            for key in range(2_000):
                cache.get(str(key % items), f"e{key % 5}")
                cache.put(f"new{attempt}-{key}", f"e{key % 5}", None, 10, 1.0)
            best = min(best, time.perf_counter() - begun)
        return best

    assert cost(100_000) < 6 * cost(1_000)
