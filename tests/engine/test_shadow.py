"""Shadows: like with like, on the class that serves."""

from __future__ import annotations

import random
from collections.abc import Iterator

import pytest

from engine.cache.live import LiveCache, Ruling
from engine.clock import ManualClock
from engine.collector.sums import Seconds
from engine.records import OTHER, TOTAL, Request
from engine.shadow import Shadow
from engine.shadow_model import RecordedModel

CAPACITY, TTL = 20_000, 30.0


def stream(count: int = 5000, seed: int = 1, start: float = 1000.0) -> Iterator[tuple[float, str]]:
    chance = random.Random(seed)
    at = start
    for _ in range(count):
        at += chance.expovariate(20.0)
        yield at, f"/{'ab'[chance.random() < 0.3]}?{int(chance.paretovariate(0.6)) % 300}"


def recorded(count: int = 5000, seed: int = 1) -> list[Request]:
    """What a live cache under plain LRU recorded."""
    clock = ManualClock()
    cache = LiveCache(CAPACITY, TTL, clock)
    requests = []
    for at, key in stream(count, seed):
        for second in range(int(clock.now() or at) + 1, int(at) + 1):
            clock.set(second)
            cache.occupancy()  # as the origin does, once a second
        clock.set(at)
        name, size, cost = key[:2], 100 + len(key) * 40, 5.0 + len(key)
        hit = cache.get(key, name) is not None
        if not hit:
            cache.put(key, name, b"", size, cost)
        requests.append(Request(at, name, key, hit, 0.5 if hit else cost, size, stale=False))
    return requests


def replay(shadow: Shadow, requests: list[Request]) -> Seconds:
    costs: dict[str, float] = {}
    for request in requests:
        shadow.request(request, costs.get(request.cache_key))
        if not request.hit:
            costs[request.cache_key] = request.load_time_ms
    shadow.advance(requests[-1].timestamp + 2)
    return shadow.drain()


def total(seconds: Seconds, column: str, name: str = TOTAL) -> float:
    return float(sum(getattr(names[name], column) for names in seconds.values() if name in names))


def test_a_shadow_of_plain_lru_hits_exactly_where_the_recorded_plain_lru_did() -> None:
    requests = recorded()
    shadow = Shadow("lru", CAPACITY, TTL)
    assert [shadow.request(request).hit for request in requests] == [r.hit for r in requests]
    assert 0.2 < sum(r.hit for r in requests) / len(requests) < 0.95


def test_its_figures_are_the_recorded_ones_second_by_second() -> None:
    requests = recorded()
    seconds = replay(Shadow("lru", CAPACITY, TTL), requests)
    for at, names in seconds.items():
        own = [request for request in requests if int(request.timestamp) == at]
        assert names[TOTAL].requests == len(own)
        assert names[TOTAL].hits == sum(request.hit for request in own)
        assert names[TOTAL].load_time_ms == pytest.approx(sum(r.load_time_ms for r in own))
    assert total(seconds, "requests") == len(requests)


def test_a_hit_saves_the_last_miss_cost_less_the_time_of_a_hit() -> None:
    shadow = Shadow("lru", CAPACITY, TTL)
    shadow.request(Request(10.0, "/a", "/a?1", False, 40.0, 100))
    outcome = shadow.request(Request(11.0, "/a", "/a?1", False, 44.0, 100), cost_ms=40.0)
    assert outcome.hit
    assert outcome.saved_ms == 39.5
    assert outcome.load_time_ms == 0.5


def test_what_the_recording_hit_and_the_shadow_missed_costs_the_last_miss() -> None:
    shadow = Shadow("lru", CAPACITY, TTL)
    outcome = shadow.request(Request(10.0, "/a", "/a?1", True, 0.5, 100), cost_ms=70.0)
    assert not outcome.hit
    assert outcome.load_time_ms == 70.0


def test_a_ruling_begins_at_its_time_and_ends_at_its_time() -> None:
    shadow = Shadow("agent", CAPACITY, TTL)
    shadow.schedule(20.0, {"/a": Ruling(False, 0.0, False, 30.0)})
    hits = {}
    for at in (10.0, 15.0, 21.0, 22.0, 29.0, 31.0, 32.0):
        hits[at] = shadow.request(Request(at, "/a", "/a?1", False, 9.0, 100), 9.0).hit
    assert [at for at, hit in hits.items() if hit] == [15.0, 32.0]


def test_the_pooled_ruling_holds_where_no_other_does() -> None:
    shadow = Shadow("agent", CAPACITY, TTL)
    keep, drop = Ruling(True, 30.0, False, 99.0), Ruling(False, 0.0, False, 99.0)
    shadow.schedule(10.0, {"/a": keep, OTHER: drop})
    for at in (11.0, 12.0):
        outcomes = {
            name: shadow.request(Request(at, name, f"{name}?1", False, 9.0, 100), 9.0).hit
            for name in ("/a", "/b", "/c")
        }
    assert outcomes == {"/a": True, "/b": False, "/c": False}


def test_a_reload_ahead_costs_the_last_load_and_keeps_the_key() -> None:
    shadow = Shadow("agent", CAPACITY, 5.0)
    shadow.rule_all(Ruling(True, 5.0, True, float("inf")))
    outcomes = [
        shadow.request(Request(at / 2, "/a", "/a?1", False, 8.0, 100), 8.0).hit
        for at in range(200, 260)
    ]
    assert outcomes == [False] + [True] * 59
    shadow.advance(140.0)
    seconds = shadow.drain()
    reloads = total(seconds, "refreshes")
    assert 5 <= reloads <= 9
    assert total(seconds, "refresh_ms") == pytest.approx(8.0 * reloads)


def test_byte_seconds_are_those_held() -> None:
    shadow = Shadow("lru", CAPACITY, 4.0)
    shadow.request(Request(10.5, "/a", "/a?1", False, 8.0, 1000))
    shadow.advance(20.0)
    seconds = shadow.drain()
    assert total(seconds, "byte_seconds") == pytest.approx(4000.0)
    assert seconds[10]["/a"].byte_seconds == pytest.approx(500.0)


def test_only_seconds_that_have_ended_are_drained_and_each_once() -> None:
    shadow = Shadow("lru", CAPACITY, TTL)
    shadow.request(Request(10.5, "/a", "/a?1", False, 8.0, 100))
    shadow.request(Request(11.5, "/a", "/a?1", False, 8.0, 100))
    assert set(shadow.drain()) == {10}
    assert shadow.drain() == {}
    shadow.advance(12.0)
    assert total(shadow.drain(), "hits") == 1


def test_a_long_silence_is_crossed_at_once() -> None:
    shadow = Shadow("lru", CAPACITY, TTL)
    shadow.request(Request(1e9, "/a", "/a?1", False, 8.0, 100))
    shadow.request(Request(2e9, "/a", "/a?1", False, 8.0, 100))
    assert total(shadow.drain(), "requests") == 1


def test_recorded_flags_settle_whether_an_entry_of_the_same_age_is_stale() -> None:
    model = RecordedModel()
    shadow = Shadow("lru", CAPACITY, TTL, model)
    flags = []
    for request in (
        Request(10.0, "/a", "/a?1", False, 8.0, 100, stale=False),
        Request(11.0, "/a", "/a?1", True, 0.5, 100, stale=False),
        Request(12.0, "/a", "/a?1", True, 0.5, 100, stale=True),
    ):
        model.observe(request)
        flags.append(shadow.request(request, 8.0).stale)
    assert flags == [0.0, 0.0, 1.0]


def test_a_cache_that_holds_longer_is_charged_the_changes_that_the_recording_shows() -> None:
    """Data change every 10 s; the recording reloads every 4 s, the shadow never."""
    model = RecordedModel()
    shadow = Shadow("always", CAPACITY, 1000.0, model)
    loaded, stale = -99.0, 0
    for tick in range(1000, 5000):
        at = tick / 2
        hit = at - loaded < 4.0
        loaded = loaded if hit else at
        flag = hit and int(loaded / 10) != int(at / 10)
        model.observe(request := Request(at, "/a", "/a?1", hit, 0.5, 100, stale=flag))
        stale += flag
        shadow.request(request, 8.0)
    shadow.advance(2502.0)
    charged = total(shadow.drain(), "stale_hits")
    assert stale > 100
    # In truth nearly all 4000 hits of an entry that is never reloaded are stale.
    assert charged > 3500


def test_without_flags_nothing_counts_as_stale() -> None:
    seconds = replay(
        Shadow("always", CAPACITY, 1000.0),
        [Request(at / 2, "/a", "/a?1", at % 8 > 0, 0.5, 100) for at in range(1000, 2000)],
    )
    assert total(seconds, "stale_hits") == 0
