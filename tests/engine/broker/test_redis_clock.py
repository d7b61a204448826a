"""The Redis queue between machines whose clocks differ: delays and expiry hold, error and all."""

from __future__ import annotations

import os
import secrets
import time
from collections.abc import Callable, Iterator

import pytest
import redis

from engine.broker.base import Message
from engine.broker.redis import RedisBroker
from engine.broker.redis_clock import DRIFT, ServerClock

URL = os.environ.get("TEST_REDIS_URL", "redis://127.0.0.1:6379/0")
HOUR_NS = 3_600_000_000_000
WAIT_S = 0.05

Machine = Callable[[str, int], RedisBroker]


@pytest.fixture
def machine() -> Iterator[Machine]:
    """Clients of one queue, each on a machine whose clock is so many ns ahead."""
    try:
        redis.Redis.from_url(URL, socket_connect_timeout=1).ping()
    except redis.RedisError:
        pytest.skip(f"no Redis answers at {URL}")
    prefix, name, made = f"test-{secrets.token_hex(6)}", "apart", []

    def make(client: str, ahead_ns: int) -> RedisBroker:
        clock = lambda: time.monotonic_ns() + ahead_ns  # noqa: E731 - a clock, not a function
        made.append(RedisBroker(URL, name, client, prefix, now_ns=clock))
        return made[-1]

    yield make
    made[0].drop(name)
    for broker in made:
        broker.close()


@pytest.mark.parametrize("ahead", [(HOUR_NS, 5 * HOUR_NS), (9 * HOUR_NS, 0), (0, 0)])
def test_delays_between_two_clocks_are_right_to_the_error_that_is_stated(
    machine: Machine, ahead: tuple[int, int]
) -> None:
    producer, consumer = machine("forecaster", ahead[0]), machine("agent", ahead[1])
    consumer.get_many(1, 0)  # its own error is known before
    begun = time.monotonic_ns()
    producer.put_many([Message("m", b"{}", begun + ahead[0] - int(WAIT_S * 1e9))])
    put = time.monotonic_ns()
    time.sleep(WAIT_S)
    asked = time.monotonic_ns()
    (item,), _ = consumer.get_many(1, 0)
    got = time.monotonic_ns()
    error = producer.clock_error_ms()
    assert 0 < error < 1000
    slack = (error + consumer._clock.error_ns(got + ahead[1]) / 1e6) * 1e6
    sent, accepted, handed = (
        at - ahead[1] for at in (item.sent_ns, item.accepted_ns, item.handed_ns)
    )
    assert abs(sent - (begun - WAIT_S * 1e9)) <= slack
    assert begun - slack <= accepted <= put + slack
    assert asked - slack <= handed <= got
    # Between accepted and handed out lies one clock alone: no error but a microsecond's rounding.
    assert asked - put - 2000 <= item.handed_ns - item.accepted_ns <= got - begun + 2000


def test_a_seconds_figures_hold_too(machine: Machine) -> None:
    producer, consumer = machine("forecaster", HOUR_NS), machine("agent", 0)
    since = int(time.time())
    producer.put_many([Message("m", b"{}", time.monotonic_ns() + HOUR_NS - 200_000_000)])
    consumer.get_many(1, 0)
    time.sleep(1.1)
    samples = [one for one in consumer.samples(since - 5) if one.accepted]
    (delay,) = [one.enqueue_p50_ms for one in samples]
    assert delay is not None
    assert 200 - producer.clock_error_ms() <= delay < 1200


def test_a_record_expires_by_its_producers_clock(machine: Machine) -> None:
    producer, consumer = machine("forecaster", HOUR_NS), machine("agent", 0)
    now = time.monotonic_ns() + HOUR_NS
    soon, late = now + 100_000_000, now + HOUR_NS
    producer.put_many([Message("soon", b"{}", now, soon), Message("late", b"{}", now, late)])
    time.sleep(0.2)
    items, figures = consumer.get_many(5, 0)
    assert [item.id for item in items] == ["late"]
    assert figures.expired == 1


def test_the_quickest_reading_counts_grows_old_and_is_dropped_when_the_clock_was_set() -> None:
    clock = ServerClock()
    clock.note(0, 5_000_000, 2_000_000)
    assert clock.error_ns(2_000_000) == 1_000_000 + 1000
    clock.note(10_000_000, 5_010_100, 10_200_000)  # ten times as quick
    assert clock.to_ours_ns(5_010_100) == 10_100_000
    clock.note(20_000_000, 5_020_900, 22_000_000)  # slow again: says nothing new
    assert clock.to_ours_ns(5_010_100) == 10_100_000
    second = 1_000_000_000
    assert clock.error_ns(10_200_000 + second) == pytest.approx(101_000 + DRIFT * second)
    clock.note(30_000_000, 99_000_000, 32_000_000)  # set forward by more than a minute
    assert clock.to_server_us(31_000_000) == 99_000_000
