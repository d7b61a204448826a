"""One-way delay of paced records: raw socket, our queue, the tutorial's queue; open loop."""

from __future__ import annotations

import os
import socket
import statistics
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

from engine.broker.base import Message
from tests.benchmarks.placing import placed
from tests.benchmarks.queue_peers import peer, tutorial_queue
from tests.engine.broker.serving import Serving

RATE = 500
PAYLOAD = b"x" * 189
me = os.getpid
SPIN_NS = 200_000
"""The last moment before a send is spent awake, so that the timer's lateness is no one's delay."""


def pace(count: int, send: Callable[[int], object]) -> None:
    """Call `send(intended time in ns)` RATE times a second."""
    start = time.monotonic_ns() + 10_000_000
    for number in range(count):
        due = start + number * 1_000_000_000 // RATE
        while (left := due - time.monotonic_ns()) > 0:
            if left > SPIN_NS:
                time.sleep((left - SPIN_NS) / 1e9)
        send(due)


def stamp(due: int) -> bytes:
    """A record that carries its intended send time."""
    return b"%020d" % due + PAYLOAD


def raw(folder: Path, count: int) -> list[int]:
    """Straight from producer to consumer over a Unix socket."""
    path = str(folder / f"raw{time.monotonic_ns()}")
    with peer("raw_consumer", path, str(count)) as consumer, placed({me(): 0, consumer.pid: 1}):
        with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as connection:
            connection.connect(path)
            pace(count, lambda due: connection.send(stamp(due)))
        return _delays(consumer)


def ours(serving: Serving, count: int) -> list[int]:
    """Through our queue server."""
    broker = serving.broker("producer", name="paced")
    broker.counters()
    run = time.monotonic_ns()
    address, key = str(serving.place.address), str(serving.place.key_file)
    with (
        peer("our_consumer", address, key, str(count)) as consumer,
        placed({me(): 0, serving.pid: 1, consumer.pid: 0}),
    ):
        pace(count, lambda due: broker.put_many([Message(f"{run}-{due}", PAYLOAD, due)]))
        delays = _delays(consumer)
    broker.close()
    return delays


def tutorial(count: int) -> list[int]:
    """Through the tutorial's manager: full(), get(), put() on one side, polling on the other."""
    port = free_port()
    with (
        peer("tutorial_server", str(port)) as server,
        peer("tutorial_consumer", str(port), str(count)) as consumer,
        placed({me(): 0, server.pid: 1, consumer.pid: 0}),
    ):
        shared = tutorial_queue(port)

        def send(due: int) -> None:
            if shared.full():
                shared.get()
            shared.put(stamp(due))

        pace(count, send)
        return _delays(consumer)


def free_port() -> int:
    """A TCP port that nobody uses right now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def median_us(delays: list[int]) -> float:
    """The median in microseconds."""
    return statistics.median(delays) / 1000


def _delays(consumer: subprocess.Popen[str]) -> list[int]:
    assert consumer.stdout is not None
    return [int(word) for word in consumer.stdout.readline().split()]
