"""What the queue is measured against, each in a process of its own.

`python -m tests.benchmarks.queue_peers ROLE ADDRESS [...]`; every role prints one line when ready.
"""

from __future__ import annotations

import contextlib
import queue
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from multiprocessing.managers import BaseManager
from pathlib import Path

from engine.broker.client import ManagerBroker
from engine.broker.place import Place, parse_address
from tests.engine.broker.serving import ROOT

TUTORIAL_PAUSE_S = 0.001
TUTORIAL_KEY = b"tutorial"


class Tutorial(BaseManager):
    """The queue of the usual tutorials: `queue.Queue` behind an AutoProxy over TCP."""


@contextlib.contextmanager
def peer(*arguments: str) -> Iterator[subprocess.Popen[str]]:
    """Run one role as a process until the block ends; enters once the role is ready."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.benchmarks.queue_peers", *arguments],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    try:
        process.stdout.readline()
        yield process
    finally:
        process.terminate()
        process.wait(5)


def echo(path: str) -> None:
    """Send every message back: the other side of a raw ping-pong."""
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(path)
    listener.listen()
    _ready()
    connection, _ = listener.accept()
    while data := connection.recv(65_536):
        connection.sendall(data)


def raw_consumer(path: str, count: str) -> None:
    """Receive stamps straight from the producer and print the delays."""
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    listener.bind(path)
    listener.listen()
    _ready()
    connection, _ = listener.accept()
    delays = []
    for _ in range(int(count)):
        data = connection.recv(65_536)
        delays.append(time.monotonic_ns() - int(data[:20]))
    _tell(delays)


def our_consumer(address: str, key: str, count: str) -> None:
    """Take from our queue, acknowledge, and print the delays."""
    broker = ManagerBroker(Place(parse_address(address), Path(key), Path()), "paced")
    broker.counters()
    _ready()
    delays: list[int] = []
    while len(delays) < int(count):
        items, _ = broker.get_many(10, 5)
        now = time.monotonic_ns()
        delays += [now - item.sent_ns for item in items]
        broker.acknowledge([item.id for item in items])
    broker.close()
    _tell(delays)


def tutorial_server(port: str) -> None:
    """Serve one `queue.Queue(100)` the tutorial's way."""
    shared: queue.Queue[bytes] = queue.Queue(100)
    Tutorial.register("get_queue", callable=lambda: shared)
    server = Tutorial(("127.0.0.1", int(port)), TUTORIAL_KEY).get_server()
    _ready()
    server.serve_forever()


def tutorial_consumer(port: str, count: str) -> None:
    """Poll the tutorial's queue and print the delays."""
    shared = tutorial_queue(int(port))
    _ready()
    delays: list[int] = []
    while len(delays) < int(count):
        if shared.empty():
            time.sleep(TUTORIAL_PAUSE_S)
        else:
            data = shared.get()
            delays.append(time.monotonic_ns() - int(data[:20]))
    _tell(delays)


def tutorial_queue(port: int) -> queue.Queue[bytes]:
    """A proxy of the tutorial's queue."""
    Tutorial.register("get_queue")
    manager = Tutorial(("127.0.0.1", port), TUTORIAL_KEY)
    manager.connect()
    shared: queue.Queue[bytes] = manager.get_queue()  # type: ignore[attr-defined]
    return shared


def _ready() -> None:
    print("ready", flush=True)


def _tell(delays: list[int]) -> None:
    print(" ".join(map(str, delays)), flush=True)


ROLES: dict[str, Callable[..., None]] = {
    "echo": echo,
    "raw_consumer": raw_consumer,
    "our_consumer": our_consumer,
    "tutorial_server": tutorial_server,
    "tutorial_consumer": tutorial_consumer,
}

if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        ROLES[sys.argv[1]](*sys.argv[2:])
