"""The reward formula on rows worked out by hand, and which rows it is taken from."""

from __future__ import annotations

from typing import Any

import pytest

from engine.agent import judging
from engine.agent.judging import Seen, interval_of, is_ripe, judge, lesson
from engine.agent.rewards import Interval, add_up, byte_price, reward
from engine.records import OTHER, TOTAL

ZERO: dict[str, Any] = dict.fromkeys(Interval.__struct_fields__, 0)


def decision(**changes: object) -> dict[str, Any]:
    return {
        "prediction_id": "p1",
        "source": 1,
        "agent": "qlearning",
        "cache_name": "/a",
        "action": "keep_short",
        "state": "1.1.1.1",
        "valid_from": 100.0,
        "valid_until": 105.0,
        "published": True,
    } | changes


def seen(rows: dict[tuple[str, str, int], dict[str, Any]], watermark: float = 200.0) -> Seen:
    return Seen({key: ZERO | row for key, row in rows.items()}, watermark, watermark - 5)


def alive(seconds: range = range(100, 105), **changes: object) -> dict[Any, dict[str, Any]]:
    return {("recorded", TOTAL, at): dict(changes) for at in seconds}


def test_the_reward_is_saving_less_reloads_stale_hits_and_bytes_held() -> None:
    rows = [
        ZERO | {"requests": 3, "hits": 2, "saved_ms": 95.0, "load_time_ms": 51.0},
        ZERO | {"requests": 1, "hits": 1, "saved_ms": 45.0, "load_time_ms": 1.0, "stale_hits": 1},
        ZERO | {"refresh_ms": 20.0, "byte_seconds": 5000.0},
    ]
    earned = reward(add_up(rows), stale_weight_ms=7.0, price=0.002)
    # 140 saved - 20 reloading - 1 x 7 stale - 5000 x 0.002 held
    assert earned.reward_ms == pytest.approx(103.0)
    # against the 52 waited for plus the 140 saved
    assert earned.scaled == pytest.approx(103.0 / 192.0)
    assert earned.stale_cost_ms == pytest.approx(7.0)
    assert earned.byte_cost_ms == pytest.approx(10.0)


def test_without_requests_only_the_costs_remain() -> None:
    earned = reward(Interval(byte_seconds=1000.0, refresh_ms=30.0), 5.0, 0.01)
    assert earned.reward_ms == pytest.approx(-40.0)
    assert earned.scaled == pytest.approx(-0.04)


def test_what_is_learned_is_clipped_to_one() -> None:
    assert reward(Interval(requests=1, load_time_ms=1.0, refresh_ms=500.0), 0, 0).scaled == -1.0


def test_the_price_of_a_byte_second_is_the_average_saving_of_a_full_cache() -> None:
    assert byte_price(500.0, 10_000.0, 10_000.0) == pytest.approx(0.05)
    assert byte_price(500.0, 9_000.0, 10_000.0) == pytest.approx(0.5 * 500 / 9000)
    assert byte_price(-5.0, 10_000.0, 10_000.0) == 0.0
    assert byte_price(5.0, 0.0, 10_000.0) == 0.0


def test_bytes_cost_nothing_while_there_is_room() -> None:
    assert byte_price(500.0, 7_000.0, 10_000.0) == 0.0


def test_only_the_seconds_and_the_endpoint_of_the_decision_count() -> None:
    rows = alive() | {
        ("recorded", "/a", 99): {"saved_ms": 1000.0},
        ("recorded", "/a", 100): {"saved_ms": 10.0},
        ("recorded", "/a", 104): {"saved_ms": 5.0},
        ("recorded", "/a", 105): {"saved_ms": 1000.0},
        ("recorded", "/b", 101): {"saved_ms": 1000.0},
        ("agent", "/a", 101): {"saved_ms": 1000.0},
    }
    found = interval_of(decision(), ["/a"], seen(rows), proof=True)
    assert isinstance(found, Interval)
    assert found.saved_ms == 15.0


def test_a_decision_that_was_not_published_is_judged_by_its_shadow() -> None:
    rows = alive(requests=2) | {
        ("recorded", "/a", 101): {"saved_ms": 1000.0},
        ("agent", TOTAL, 101): {"saved_ms": 7.0},
        ("agent", "/a", 101): {"saved_ms": 7.0},
    }
    found = interval_of(decision(published=False), ["/a"], seen(rows), proof=True)
    assert isinstance(found, Interval)
    assert found.saved_ms == 7.0


def test_the_pooled_endpoint_is_all_that_has_no_decision_of_its_own() -> None:
    rows = alive(saved_ms=10.0) | {("recorded", "/a", 101): {"saved_ms": 8.0}}
    found = interval_of(decision(cache_name=OTHER), ["/a", OTHER], seen(rows), proof=True)
    assert isinstance(found, Interval)
    assert found.saved_ms == 50.0 - 8.0


@pytest.mark.parametrize(
    ("rows", "reason"),
    [
        ({}, "5 of 5 seconds"),
        (alive(range(100, 103)), "2 of 5 seconds"),
        (alive() | {("recorded", TOTAL, 102): {"missing": 3}}, "3 rows"),
    ],
)
def test_missing_rows_give_no_reward_but_a_reason(rows: dict[Any, Any], reason: str) -> None:
    found = interval_of(decision(), ["/a"], seen(rows), proof=True)
    assert isinstance(found, str)
    row, earned = judge(decision(), found, 5.0, 0.0, 300.0)
    assert earned is None
    assert row["reward_ms"] is None
    assert reason in row["reason"]


def test_one_late_second_of_five_does_not_void_a_reward() -> None:
    assert isinstance(
        interval_of(decision(), ["/a"], seen(alive(range(100, 104))), proof=True), Interval
    )


def test_a_shadow_that_was_not_replayed_earns_nothing() -> None:
    found = interval_of(decision(published=False), ["/a"], seen(alive(requests=1)), proof=True)
    assert isinstance(found, str)
    assert "shadow" in found


def test_a_decision_is_ripe_two_seconds_after_its_end_once_the_next_is_known() -> None:
    assert not is_ripe(decision(), 105.0, seen({}, watermark=106.9))
    assert is_ripe(decision(), 105.0, seen({}, watermark=107.0))
    assert not is_ripe(decision(), None, seen({}, watermark=107.0))
    assert is_ripe(decision(), None, seen({}, watermark=105.0 + judging.LONGEST_GAP * 5))
    assert not is_ripe(decision(published=False), 105.0, seen({}, watermark=107.0))
    assert is_ripe(decision(published=False), 105.0, seen({}, watermark=110.0))


def test_the_lesson_counts_the_intervals_up_to_the_next_decision() -> None:
    earned = reward(Interval(requests=1, load_time_ms=10.0), 0, 0)
    after = {"state": "2.1.1.1", "valid_from": 115.0}
    assert lesson(decision(), after, earned).intervals == 3
    assert lesson(decision(), after, earned).next_state == "2.1.1.1"
    assert lesson(decision(), None, earned).next_state is None
