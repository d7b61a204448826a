"""What every prediction queue must do, run on every registered backend with its real server."""

from __future__ import annotations

import os
import secrets
import signal
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import redis

from engine.broker import BROKERS
from engine.broker.base import CAPACITY, MAX_LEASED, MAX_PAYLOAD_BYTES, Broker, Counters, Message
from engine.broker.client import ManagerBroker
from engine.broker.redis import RedisBroker
from engine.errors import BrokerError, MessageRejected, SettingsError
from tests.engine.broker.serving import Serving

Connect = Callable[..., Broker]

REDIS_URL = os.environ.get("TEST_REDIS_URL", "redis://127.0.0.1:6379/0")


@pytest.fixture(scope="module")
def serving(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    server = Serving(tmp_path_factory.mktemp("q")).start()
    yield server.wait_ready()
    server.close()


@pytest.fixture(params=sorted(BROKERS))
def connect(request: pytest.FixtureRequest) -> Iterator[Connect]:
    """Clients of one fresh queue; the queue is gone afterwards."""
    made: list[Broker] = []
    name = f"t{secrets.token_hex(4)}"
    if request.param == "manager":
        serving: Serving = request.getfixturevalue("serving")

        def make(client: str = "agent") -> Broker:
            made.append(ManagerBroker(serving.place, name, client, reply_s=5.0))
            return made[-1]

    else:
        prefix = f"test-{secrets.token_hex(6)}"
        try:
            redis.Redis.from_url(REDIS_URL, socket_connect_timeout=1).ping()
        except redis.RedisError:
            pytest.skip(f"no Redis answers at {REDIS_URL}")

        def make(client: str = "agent") -> Broker:
            made.append(RedisBroker(REDIS_URL, name, client, prefix, reply_s=5.0))
            return made[-1]

    yield make
    for broker in made:
        broker.close()
    if request.param == "redis":
        server = redis.Redis.from_url(REDIS_URL)
        keys = list(server.scan_iter(f"*{prefix}:*", count=1000))
        if keys:
            server.delete(*keys)


def message(name: str, payload: bytes = b"{}", expires_ns: int = 0) -> Message:
    return Message(name, payload, time.monotonic_ns(), expires_ns)


def messages(first: int, last: int, prefix: str = "m") -> list[Message]:
    return [message(f"{prefix}{number}") for number in range(first, last)]


def conserved(figures: Counters) -> bool:
    ends = figures.acknowledged + figures.overwritten + figures.expired + figures.damaged
    return figures.accepted == ends + figures.depth


def ids(broker: Broker, count: int = MAX_LEASED, timeout_s: float = 0.0) -> list[str]:
    return [item.id for item in broker.get_many(count, timeout_s)[0]]


def test_records_come_out_whole_and_in_the_order_they_went_in(connect: Connect) -> None:
    broker = connect()
    payloads = [bytes(range(256)), b"", b"\x00" * MAX_PAYLOAD_BYTES]
    sent = [message(f"m{i}", payload) for i, payload in enumerate(payloads)]
    reply = broker.put_many(sent)
    assert (reply.accepted, reply.duplicates, reply.overwritten) == (3, 0, ())
    assert reply.counters.depth == 3
    items, figures = broker.get_many(10, 0)
    assert [(item.id, item.payload) for item in items] == [(m.id, m.payload) for m in sent]
    assert all(i.sent_ns <= i.accepted_ns <= i.handed_ns and not i.redelivered for i in items)
    assert (figures.depth, figures.leased, figures.handed_out) == (3, 3, 3)


def test_a_known_id_is_ignored_and_counted_even_after_it_was_acknowledged(
    connect: Connect,
) -> None:
    broker = connect()
    broker.put_many(messages(0, 3))
    again = broker.put_many([*messages(2, 5), message("m4")])
    assert (again.accepted, again.duplicates) == (2, 2)
    broker.acknowledge(ids(broker))
    broker.flush()
    assert broker.put_many(messages(0, 5)).duplicates == 5
    assert ids(broker) == []


def test_a_full_queue_overwrites_the_oldest_and_names_them(connect: Connect) -> None:
    broker = connect()
    broker.put_many(messages(0, CAPACITY))
    reply = broker.put_many(messages(CAPACITY, CAPACITY + 3))
    assert reply.overwritten == ("m0", "m1", "m2")
    assert reply.counters.depth == CAPACITY
    assert ids(broker, 2) == ["m3", "m4"]


def test_a_batch_longer_than_the_ring_keeps_its_newest_records(connect: Connect) -> None:
    broker = connect()
    broker.put_many(messages(0, 10, "old"))
    reply = broker.put_many(messages(0, 250))
    lost = [f"old{i}" for i in range(10)] + [f"m{i}" for i in range(150)]
    assert list(reply.overwritten) == lost
    assert reply.counters.depth == CAPACITY
    assert conserved(reply.counters)
    assert ids(broker, 1) == ["m150"]


def test_a_leased_record_is_never_overwritten_and_at_most_half_the_ring_is_leased(
    connect: Connect,
) -> None:
    broker = connect()
    broker.put_many(messages(0, CAPACITY))
    leased = ids(broker, CAPACITY)
    assert len(leased) == MAX_LEASED
    assert ids(broker, 1) == []
    reply = broker.put_many(messages(CAPACITY, 2 * CAPACITY))
    assert not set(reply.overwritten) & set(leased)
    assert reply.counters.depth == CAPACITY
    broker.acknowledge(leased)
    broker.flush()
    assert broker.counters().acknowledged == MAX_LEASED


def test_acknowledgements_ride_on_the_next_get(connect: Connect) -> None:
    broker = connect()
    broker.put_many(messages(0, 2))
    broker.acknowledge(ids(broker, 1))
    items, figures = broker.get_many(1, 0)
    assert [item.id for item in items] == ["m1"]
    assert (figures.acknowledged, figures.depth) == (1, 1)


def test_another_client_cannot_acknowledge_what_it_does_not_hold(connect: Connect) -> None:
    broker, other = connect(), connect("other")
    broker.put_many(messages(0, 2))
    held = ids(broker, 1)
    other.acknowledge([*held, "m1", "unknown"])
    other.flush()
    assert other.counters().acknowledged == 0


def test_closing_a_client_returns_its_leases_to_the_head_in_order(connect: Connect) -> None:
    broker, other = connect(), connect("other")
    broker.put_many(messages(0, 6))
    assert ids(broker, 3) == ["m0", "m1", "m2"]
    assert ids(other, 2) == ["m3", "m4"]
    broker.close()
    _until(lambda: other.counters().leased == 2)
    items, _ = other.get_many(10, 1)
    assert [(i.id, i.redelivered) for i in items] == [
        ("m0", True),
        ("m1", True),
        ("m2", True),
        ("m5", False),
    ]


def test_a_consumer_that_attaches_anew_gets_back_what_it_had_not_acknowledged(
    connect: Connect,
) -> None:
    before = connect()
    before.put_many(messages(0, 4))
    before.acknowledge(ids(before, 3)[:1])
    before.flush()
    after = connect()
    assert ids(after) == ["m1", "m2", "m3"]


def test_work_done_before_the_lease_went_back_can_still_be_acknowledged(connect: Connect) -> None:
    before = connect()
    before.put_many(messages(0, 2))
    held = ids(before, 1)
    after = connect()
    after.counters()
    before.acknowledge(held)
    before.flush()
    assert ids(after) == ["m1"]


def test_a_record_past_its_expiry_is_dropped_and_counted(connect: Connect) -> None:
    broker = connect()
    soon = time.monotonic_ns() + 50_000_000
    broker.put_many([message("short", expires_ns=soon), message("long")])
    time.sleep(0.08)
    items, figures = broker.get_many(5, 0)
    assert [item.id for item in items] == ["long"]
    assert figures.expired == 1
    assert conserved(figures)


def test_get_waits_for_the_first_record_and_no_longer(connect: Connect) -> None:
    broker, producer = connect(), connect("producer")
    producer.counters()
    started = time.monotonic()
    assert ids(broker, 1, timeout_s=0.3) == []
    assert 0.28 <= time.monotonic() - started < 1.5
    timer = threading.Timer(0.2, lambda: producer.put_many(messages(0, 1)))
    timer.start()
    started = time.monotonic()
    assert ids(broker, 5, timeout_s=5) == ["m0"]
    assert time.monotonic() - started < 1.5
    timer.join()


@pytest.mark.parametrize(
    "bad",
    [
        Message("", b"x", 1),
        Message("x" * 201, b"x", 1),
        Message("new\nline", b"x", 1),
        Message("large", b"x" * (MAX_PAYLOAD_BYTES + 1), 1),
        Message("text", "not bytes", 1),  # type: ignore[arg-type]
        Message("time", b"x", -1),
        Message(7, b"x", 1),  # type: ignore[arg-type]
    ],
    ids=["empty id", "long id", "unprintable id", "too large", "text", "time", "number"],
)
def test_a_malformed_record_is_refused_with_a_sentence_and_nothing_of_its_batch_is_accepted(
    connect: Connect, bad: Message
) -> None:
    broker = connect()
    with pytest.raises(MessageRejected, match=r"^[A-Z].*\.$"):
        broker.put_many([message("good"), bad])
    figures = broker.put_many([message("good")]).counters
    assert (figures.accepted, figures.duplicates, figures.depth) == (1, 0, 1)


def test_asking_for_no_records_is_refused(connect: Connect) -> None:
    with pytest.raises(MessageRejected):
        connect().get_many(0, 0)


def test_peek_shows_the_newest_first_and_takes_nothing(connect: Connect) -> None:
    broker = connect()
    broker.put_many([message(f"m{i}", b"p%d" % i) for i in range(5)])
    ids(broker, 1)
    seen = broker.peek(10)
    assert [(p.id, p.payload, p.leased_by) for p in seen] == [
        ("m4", b"p4", ""),
        ("m3", b"p3", ""),
        ("m2", b"p2", ""),
        ("m1", b"p1", ""),
        ("m0", b"p0", "agent"),
    ]
    assert all(0 <= p.age_ms < 60_000 for p in seen)
    assert broker.counters().depth == 5


def test_each_second_leaves_a_sample_with_counts_and_delays(connect: Connect) -> None:
    broker = connect()
    start = int(time.time()) - 1
    late = time.monotonic_ns() - 200_000_000
    broker.put_many([Message(f"m{i}", b"", late) for i in range(120)])
    broker.acknowledge(ids(broker, 10))
    broker.flush()
    time.sleep(1.1)
    samples = broker.samples(start)
    busy = [s for s in samples if s.accepted]
    assert sum(s.accepted for s in samples) == 120
    assert sum(s.overwritten for s in samples) == 20
    assert sum(s.handed_out for s in samples) == 10
    assert sum(s.acknowledged for s in samples) == 10
    assert busy[0].depth_max == CAPACITY
    assert samples[-1].depth_last == CAPACITY - 10
    p50, p95, p99 = busy[0].enqueue_p50_ms, busy[0].enqueue_p95_ms, busy[0].enqueue_p99_ms
    assert p50 is not None
    assert p95 is not None
    assert p99 is not None
    assert 200 <= p50 <= p95 <= p99 < 5_000
    assert any(s.dequeue_p50_ms is not None for s in samples)
    assert broker.samples(samples[-1].at) == []


def test_two_queues_of_different_names_do_not_mix(connect: Connect) -> None:
    broker = connect()
    broker.put_many(messages(0, 1))
    with pytest.raises(Exception, match="queue name"):
        type(broker)(*_arguments(broker), name="../escape")  # type: ignore[call-arg]


def test_a_dropped_queue_is_gone_and_its_name_begins_anew(connect: Connect) -> None:
    broker, other = connect(), connect("other")
    broker.put_many(messages(0, 5))
    ids(broker, 2)
    other.drop(broker._name)  # type: ignore[attr-defined]
    figures = broker.put_many(messages(0, 3)).counters
    assert (figures.accepted, figures.duplicates, figures.depth, figures.leased) == (3, 0, 3, 0)
    assert figures.handed_out == 0
    assert ids(other) == ["m0", "m1", "m2"]
    assert [peeked.leased_by for peeked in broker.peek(9)] == ["other"] * 3


def test_dropping_leaves_other_queues_alone_and_one_that_is_not_there_is_fine(
    connect: Connect,
) -> None:
    broker = connect()
    broker.put_many(messages(0, 2))
    broker.drop("never-made")
    assert broker.counters().depth == 2
    with pytest.raises(SettingsError, match="queue name"):
        broker.drop("../up")


def test_the_live_queue_cannot_be_dropped(connect: Connect) -> None:
    with pytest.raises(SettingsError, match=r"^The queue 'predictions' is the live one.*\.$"):
        connect().drop("predictions")


def test_a_consumer_that_waits_while_its_queue_is_dropped_gets_the_next_record(
    connect: Connect,
) -> None:
    broker, producer = connect(), connect("producer")
    producer.counters()
    got: list[str] = []
    waiting = threading.Thread(target=lambda: got.extend(ids(broker, 5, timeout_s=10)))
    waiting.start()
    time.sleep(0.2)
    producer.drop(producer._name)  # type: ignore[attr-defined]
    producer.put_many(messages(0, 1))
    waiting.join(10)
    assert got == ["m0"]


def test_nothing_is_lost_or_doubled_when_many_threads_put_take_and_acknowledge(
    connect: Connect,
) -> None:
    broker, producer = connect(), connect("producer")
    total, makers, takers = 300, 3, 3
    taken: list[list[str]] = [[] for _ in range(takers)]
    stop = threading.Event()

    def put(maker: int) -> None:
        for first in range(0, total, 5):
            # Slower than the consumers, so that nothing is overwritten.
            while producer.counters().depth > CAPACITY // 2:
                time.sleep(0.001)
            producer.put_many(messages(first, first + 5, f"p{maker}-"))

    def take(which: int) -> None:
        while not stop.is_set():
            got = ids(broker, 7, 0.1)
            taken[which] += got
            broker.acknowledge(got)

    consumers = [threading.Thread(target=take, args=(i,)) for i in range(takers)]
    producers = [threading.Thread(target=put, args=(i,)) for i in range(makers)]
    for thread in (*consumers, *producers):
        thread.start()
    for thread in producers:
        thread.join(60)
    _until(lambda: sum(map(len, taken)) >= total * makers)
    stop.set()
    for thread in consumers:
        thread.join(10)
    broker.flush()
    every = [name for some in taken for name in some]
    assert sorted(every) == sorted(f"p{m}-{i}" for m in range(makers) for i in range(total))
    figures = broker.counters()
    assert (figures.depth, figures.overwritten) == (0, 0)
    assert figures.acknowledged == total * makers
    for some in taken:
        for maker in range(makers):
            mine = [int(name.split("-")[1]) for name in some if name.startswith(f"p{maker}-")]
            assert mine == sorted(mine)


def test_what_a_killed_consumer_had_leased_comes_again(connect: Connect) -> None:
    broker = connect("parent")
    broker.put_many(messages(0, 3))
    ready, tell = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            mine = connect("victim")
            mine.get_many(2, 0)
            os.write(tell, b"1")
            mine.get_many(2, 30)
            mine.get_many(2, 30)
        finally:
            os._exit(0)
    os.read(ready, 1)
    time.sleep(0.2)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    os.close(ready)
    os.close(tell)
    got: list[str] = []
    end = time.monotonic() + 10
    while len(got) < 3 and time.monotonic() < end:
        got += ids(broker, 10, 0.5)
    assert sorted(got) == ["m0", "m1", "m2"]


def test_a_broker_used_on_both_sides_of_a_fork_keeps_its_replies_apart(connect: Connect) -> None:
    broker = connect()
    broker.put_many(messages(0, 1))
    child = os.fork()
    if child == 0:
        code = 1
        try:
            broker.put_many(messages(1, 30))
            code = 0
        finally:
            os._exit(code)
    for _ in range(50):
        assert broker.counters().accepted <= 30
    assert os.waitpid(child, 0)[1] == 0
    assert broker.counters().accepted == 30


def test_an_unreachable_server_is_one_sentence_within_the_deadline(tmp_path: Path) -> None:
    brokers: list[Broker] = [
        Serving(tmp_path).broker(reply_s=0.3),
        RedisBroker("redis://127.0.0.1:1/0", reply_s=0.3),
    ]
    for broker in brokers:
        started = time.monotonic()
        with pytest.raises(BrokerError, match=r"^The .*[.?]$"):
            broker.put_many(messages(0, 1))
        assert time.monotonic() - started < 3
        broker.close()


def test_the_totals_are_conserved_through_every_kind_of_end(connect: Connect) -> None:
    broker = connect()
    for round_ in range(8):
        soon = time.monotonic_ns() + 1_000_000
        batch = messages(0, 40, f"r{round_}-")
        batch += [message(f"x{round_}-{i}", expires_ns=soon) for i in range(5)]
        broker.put_many(batch)
        time.sleep(0.002)
        items, figures = broker.get_many(9, 0)
        broker.acknowledge([item.id for item in items[:-2]])
        assert figures.depth <= CAPACITY
        assert figures.leased <= MAX_LEASED
        assert conserved(figures)
    broker.flush()
    figures = broker.counters()
    assert conserved(figures)
    assert figures.acknowledged > 0
    assert figures.overwritten > 0
    assert figures.expired > 0


def _until(condition: Callable[[], bool], seconds: float = 10.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "did not happen in time"
        time.sleep(0.02)


def _arguments(broker: Broker) -> tuple[object, ...]:
    return (broker._place,) if isinstance(broker, ManagerBroker) else (REDIS_URL,)
