"""The queue server under kill, stop, poison and crowds: real processes, real sockets."""

from __future__ import annotations

import os
import pickle
import resource
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator
from multiprocessing.connection import Client
from pathlib import Path

import pytest

from engine.broker.base import CAPACITY, Message
from engine.broker.link import Link, LinkLost
from engine.broker.place import Place
from engine.broker.server import QueueManager
from engine.broker.verbs import MAX_QUEUES
from engine.errors import BrokerError
from tests.engine.broker.serving import Serving


@pytest.fixture
def serving(tmp_path: Path) -> Iterator[Serving]:
    server = Serving(tmp_path).start().wait_ready()
    yield server
    server.close()


def message(name: str, payload: bytes = b"{}") -> Message:
    return Message(name, payload, time.monotonic_ns())


class Evil:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.mkdir, ("evil-was-here",)


def test_killing_the_server_again_and_again_loses_and_doubles_nothing(serving: Serving) -> None:
    put: list[str] = []
    overwritten: set[str] = set()
    taken: list[str] = []
    again: set[str] = set()
    stop = threading.Event()

    def produce(which: int) -> None:
        broker = serving.broker(f"producer{which}", reply_s=10)
        for number in range(0, 400, 2):
            names = [f"p{which}-{number}", f"p{which}-{number + 1}"]
            reply = broker.put_many([message(name) for name in names])
            overwritten.update(reply.overwritten)
            put.extend(names)
            time.sleep(0.004)
        broker.close()

    def consume() -> None:
        broker = serving.broker("agent", reply_s=10)
        while not stop.is_set():
            items, _ = broker.get_many(5, 0.2)
            taken.extend(item.id for item in items if item.id not in again)
            again.update(item.id for item in items)
            broker.acknowledge([item.id for item in items])
        broker.close()

    consumer = threading.Thread(target=consume)
    producers = [threading.Thread(target=produce, args=(i,)) for i in range(2)]
    for thread in (consumer, *producers):
        thread.start()
    for _ in range(4):
        time.sleep(0.35)
        serving.kill()
        serving.start().wait_ready()
    for thread in producers:
        thread.join(60)
    watcher = serving.broker("watcher", reply_s=10)
    end = time.monotonic() + 20
    while watcher.counters().depth and time.monotonic() < end:
        time.sleep(0.05)
    stop.set()
    consumer.join(20)
    figures = watcher.counters()
    watcher.close()
    assert len(put) == 800
    assert figures.epoch == 5
    # A reply that a kill cut off may have named overwritten records; the totals know all.
    assert figures.accepted == 800
    assert figures.acknowledged + figures.overwritten == 800
    assert figures.acknowledged == len(taken)
    assert len(set(put) - set(taken)) == figures.overwritten
    assert overwritten <= set(put) - set(taken)
    for which in range(2):
        mine = [int(i.split("-")[1]) for i in taken if i.startswith(f"p{which}-")]
        assert mine == sorted(mine)


def test_a_client_that_waits_while_the_server_is_killed_gets_the_next_record(
    serving: Serving,
) -> None:
    consumer, producer = serving.broker(), serving.broker("producer")
    got: list[str] = []
    waiting = threading.Thread(
        target=lambda: got.extend(item.id for item in consumer.get_many(1, 20)[0])
    )
    waiting.start()
    time.sleep(0.3)
    serving.kill()
    serving.start()
    producer.put_many([message("after")])
    waiting.join(10)
    assert got == ["after"]
    consumer.close()
    producer.close()


def test_a_stopped_server_is_an_error_in_time_and_afterwards_all_is_well(
    serving: Serving,
) -> None:
    broker = serving.broker(reply_s=0.5)
    broker.put_many([message("before")])
    serving.signal(signal.SIGSTOP)
    started = time.monotonic()
    with pytest.raises(BrokerError, match="does not answer"):
        broker.put_many([message("during")])
    with pytest.raises(BrokerError):
        broker.get_many(1, 0)
    assert time.monotonic() - started < 6
    serving.signal(signal.SIGCONT)
    end = time.monotonic() + 10
    reply = broker.put_many([message("during")])
    assert reply.counters.accepted == 2
    names: list[str] = []
    while len(names) < 2 and time.monotonic() < end:
        names += [item.id for item in broker.get_many(5, 0.2)[0]]
    assert names == ["before", "during"]
    broker.close()


def test_acknowledgements_survive_a_kill(serving: Serving) -> None:
    broker = serving.broker()
    broker.put_many([message(f"m{i}") for i in range(4)])
    broker.acknowledge([item.id for item in broker.get_many(2, 0)[0]])
    broker.flush()
    broker.get_many(1, 0)
    serving.kill()
    serving.start()
    items, figures = broker.get_many(5, 1)
    assert [(item.id, item.redelivered) for item in items] == [("m2", True), ("m3", False)]
    assert (figures.acknowledged, figures.epoch) == (2, 2)
    assert broker.put_many([message("m0"), message("m3")]).duplicates == 2
    broker.close()


def test_three_hundred_clients_that_connect_at_once_are_all_served(serving: Serving) -> None:
    served: list[int] = []
    go = threading.Event()

    def use(number: int) -> None:
        broker = serving.broker(f"c{number}", reply_s=10)
        go.wait()
        served.append(broker.counters().epoch)
        broker.close()

    threads = [threading.Thread(target=use, args=(i,)) for i in range(300)]
    for thread in threads:
        thread.start()
    go.set()
    for thread in threads:
        thread.join(30)
    assert len(served) == 300
    end = time.monotonic() + 5
    while serving.threads() > 10 and time.monotonic() < end:
        time.sleep(0.05)
    assert serving.threads() <= 10, "threads of closed connections stay behind"


def test_a_pickle_that_would_run_code_is_refused_by_the_server(serving: Serving) -> None:
    address = serving.place.address
    with Client(address, authkey=serving.place.key_file.read_bytes()) as peer:
        peer.send(("q", "put_many", (Evil(),), {}))
        with pytest.raises((EOFError, ConnectionResetError)):
            peer.recv()
    assert not Path("evil-was-here").exists()
    assert serving.broker().counters().depth == 0
    assert "mkdir" in serving.log.read_text()


def test_a_pickle_that_would_run_code_is_refused_by_the_client(tmp_path: Path) -> None:
    from multiprocessing.connection import Listener

    key = b"k" * 32
    path = str(tmp_path / "evil.sock")
    with Listener(path, authkey=key) as listener:

        def answer() -> None:
            with listener.accept() as peer:
                peer.recv_bytes()
                peer.send_bytes(pickle.dumps(("#RETURN", Evil())))

        thread = threading.Thread(target=answer)
        thread.start()
        link = Link(path, key, reply_s=2)
        with pytest.raises(BrokerError, match="nonsense"):
            link.call("q", "counters")
        assert link.closed
        thread.join(5)
    assert not Path("evil-was-here").exists()


@pytest.mark.parametrize(
    "frame",
    [b"\x7f\xff\xff\xff", b"\xff\xff\xff\xfe" + b"x" * 20, b"\x00\x00\x00\x04nope"],
    ids=["2 GB", "negative", "no pickle"],
)
def test_a_frame_that_is_none_ends_its_connection_only(serving: Serving, frame: bytes) -> None:
    key = serving.place.key_file.read_bytes()
    other = serving.broker()
    other.counters()
    with Client(serving.place.address, authkey=key) as peer:
        os.write(peer.fileno(), frame)
        with pytest.raises((EOFError, ConnectionResetError)):
            peer.recv()
    assert other.counters().depth == 0
    other.close()


def test_a_wrong_key_is_refused_in_one_sentence(serving: Serving, tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.key"
    wrong.touch(mode=0o600)
    wrong.write_bytes(b"w" * 32)
    place = Place(serving.place.address, wrong, serving.place.journal)
    stranger = Serving(tmp_path / "x")
    stranger.place = place
    broker = stranger.broker()
    with pytest.raises(BrokerError, match="refused our key"):
        broker.counters()
    assert serving.broker().counters().epoch == 1


def test_an_unknown_call_is_refused_and_the_connection_stands(serving: Serving) -> None:
    link = Link(str(serving.place.address), serving.place.key_file.read_bytes(), 2)
    for name, verb, args in [
        ("q", "__class__", ()),
        (None, "shutdown", ()),
        ("q", "put_many", ()),
        ("../up", "counters", ()),
        ("q", "acknowledge", ("m0",)),
    ]:
        with pytest.raises(BrokerError, match=r"^[A-Z].*\.$"):
            link.call(name, verb, args)
    assert link.call("q", "counters")[1] == 0
    link.close()


def test_the_number_of_queues_is_bounded(serving: Serving) -> None:
    link = Link(str(serving.place.address), serving.place.key_file.read_bytes(), 5)
    for number in range(MAX_QUEUES - 1):  # one is there already
        link.call(f"queue{number}", "counters")
    with pytest.raises(BrokerError, match="one too many"):
        link.call("another", "counters")
    link.close()


def test_dropped_queues_leave_neither_files_nor_room_taken(serving: Serving) -> None:
    broker = serving.broker()
    broker.put_many([message("m0")])
    open_files = len(serving.files())
    for number in range(2 * MAX_QUEUES):
        trial = serving.broker("trial", name=f"trial-{number}")
        trial.put_many([message("m0")])
        broker.drop(f"trial-{number}")
        trial.close()
    assert {path.stem for path in serving.place.journal.glob("*.journal")} == {"q", "probe"}
    broker.drop("probe")
    serving.kill()
    serving.start()
    assert broker.counters().depth == 1
    assert len(serving.files()) <= open_files
    broker.close()
    link = Link(str(serving.place.address), serving.place.key_file.read_bytes(), 5)
    with pytest.raises(BrokerError, match="is the live one"):
        link.call("predictions", "drop")
    link.close()


@pytest.mark.skipif(not hasattr(resource, "prlimit"), reason="only Linux limits another process")
def test_a_server_without_room_for_one_more_connection_rests_and_goes_on(serving: Serving) -> None:
    broker = serving.broker()
    broker.counters()
    limit = len(serving.files()) + 4
    resource.prlimit(serving.pid, resource.RLIMIT_NOFILE, (limit, limit))
    crowd = [socket.socket(socket.AF_UNIX) for _ in range(20)]
    for peer in crowd:
        peer.connect(str(serving.place.address))
    _until(lambda: "cannot take one more connection" in serving.log.read_text())
    before = serving.cpu_seconds()
    time.sleep(1.0)
    assert serving.cpu_seconds() - before < 0.3
    assert broker.put_many([message("m0")]).accepted == 1
    for peer in crowd:
        peer.close()
    later = serving.broker("later", reply_s=10)
    assert later.counters().depth == 1
    later.close()
    broker.close()


def _until(condition: Callable[[], bool], seconds: float = 10.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "did not happen in time"
        time.sleep(0.02)


def test_a_stock_manager_client_can_use_the_server(serving: Serving) -> None:
    manager = QueueManager(serving.place.address, serving.place.key_file.read_bytes())
    manager.connect()
    queue = manager.queue("q")  # type: ignore[attr-defined]
    assert queue.put_many([("m0", b"{}", 1, 0)])[0] == 1
    (item,), _ = queue.get_many(1, 0, [])
    assert item[:2] == ("m0", b"{}")


def test_a_silent_peer_is_dropped_and_a_dead_one_leaves_no_thread(serving: Serving) -> None:
    before = serving.threads()
    silent = [socket.socket(socket.AF_UNIX) for _ in range(20)]
    for peer in silent:
        peer.connect(str(serving.place.address))
    end = time.monotonic() + 9
    while serving.threads() > before and time.monotonic() < end:
        time.sleep(0.1)
    assert serving.threads() <= before
    for peer in silent:
        peer.close()


def test_a_signal_in_the_middle_of_a_call_never_shifts_replies(serving: Serving) -> None:
    class Interrupt(Exception):  # noqa: N818
        pass

    def interrupt(_signal: int, _frame: object) -> None:
        raise Interrupt

    broker = serving.broker()
    broker.put_many([message(f"m{i}") for i in range(3)])
    broker.get_many(3, 0)
    before = signal.signal(signal.SIGALRM, interrupt)
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.1)
        with pytest.raises(Interrupt):
            broker.get_many(1, 5)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    assert broker.put_many([message("next")]).accepted == 1
    assert len(broker.peek(10)) == 4
    broker.close()


def test_over_tcp_no_message_size_waits_for_a_delayed_acknowledgement(tmp_path: Path) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    serving = Serving(tmp_path)
    serving.place = Place(("127.0.0.1", port), tmp_path / "k", tmp_path / "queue")
    serving.start().wait_ready()
    try:
        broker = serving.broker()
        for size in (100, 16_000, 17_000, 40_000):
            took = []
            for number in range(9):
                started = time.monotonic()
                broker.put_many([message(f"{size}-{number}", b"x" * size)])
                took.append(time.monotonic() - started)
            assert sorted(took)[4] < 0.02
        broker.close()
    finally:
        serving.close()


def test_depth_never_passes_the_capacity_while_a_consumer_is_stopped(serving: Serving) -> None:
    broker = serving.broker("producer")
    deepest = 0
    for number in range(30):
        reply = broker.put_many([message(f"m{number}-{i}") for i in range(10)])
        deepest = max(deepest, reply.counters.depth)
    assert deepest == CAPACITY
    broker.close()


def test_a_dead_link_is_told_apart_from_a_late_reply(serving: Serving) -> None:
    link = Link(str(serving.place.address), serving.place.key_file.read_bytes(), 2)
    serving.kill()
    with pytest.raises(LinkLost):
        link.call("q", "counters")
    assert link.closed
