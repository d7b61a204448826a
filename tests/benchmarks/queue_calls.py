"""Round trips, batches, message sizes and crowds of the queue, with their alternatives."""

from __future__ import annotations

import contextlib
import itertools
import os
import secrets
import socket
import statistics
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import redis

from engine.broker.base import MAX_PAYLOAD_BYTES, Broker, Message
from engine.broker.redis import RedisBroker
from tests.benchmarks.placing import placed
from tests.benchmarks.queue_peers import peer
from tests.engine.broker.serving import Serving

PAYLOAD = b"x" * 189
SIZES = (64, 256, 1_000, 4_000, 12_000, 16_000, 17_000, 20_000, 32_000, 48_000, MAX_PAYLOAD_BYTES)


def clock(call: Callable[[], object], times: int) -> list[float]:
    """Microseconds of each of `times` calls."""
    took = []
    for _ in range(times):
        started = time.perf_counter_ns()
        call()
        took.append((time.perf_counter_ns() - started) / 1000)
    return took


def fresh(payload: bytes) -> Message:
    """A record that the queue has not seen."""
    now = time.monotonic_ns()
    return Message(f"{now}", payload, now)


def round_trips(
    serving: Serving, folder: Path, rounds: int, calls: int
) -> list[tuple[float, float]]:
    """Median microseconds of a put and of a raw ping-pong, taken in turns, round by round."""
    broker = serving.broker("producer")
    path = str(folder / "echo")
    pairs = []
    with (
        peer("echo", path) as echo,
        socket.socket(socket.AF_UNIX) as raw,
        placed({os.getpid(): 0, echo.pid: 1, serving.pid: 1}),
    ):
        raw.connect(path)

        def ping() -> None:
            raw.send(PAYLOAD)
            raw.recv(65_536)

        for _ in range(rounds):
            put = statistics.median(clock(lambda: broker.put_many([fresh(PAYLOAD)]), calls))
            pairs.append((put, statistics.median(clock(ping, calls))))
    broker.close()
    return pairs


def batches(serving: Serving, folder: Path, rounds: int, calls: int) -> dict[str, list[float]]:
    """Records a second accepted in batches of 100, all ways in turns, round by round."""
    broker = serving.broker("producer")
    with redis_server(folder) as url:
        server = redis.Redis.from_url(url)
        backend = RedisBroker(url, "q", "producer")
        ways: dict[str, Callable[[], object]] = {
            "ours": _putting(broker),
            "redis": lambda: _ring(server),
            "lua": _lua_ring(server),
            "backend": _putting(backend),
        }
        rates: dict[str, list[float]] = {name: [] for name in ways}
        for _ in range(rounds):
            for name, put in ways.items():
                rates[name].append(100e6 / statistics.median(clock(put, calls)))
        backend.close()
        server.close()
    broker.close()
    return rates


def _putting(broker: Broker) -> Callable[[], object]:
    def put() -> None:
        now = time.monotonic_ns()
        broker.put_many([Message(f"{now}-{i}", PAYLOAD, now) for i in range(100)])

    return put


def _ring(server: redis.Redis) -> None:
    """The usual ring of 100 with redis-py: no ids, no leases, the overwritten are not told."""
    now = time.monotonic_ns()
    pipe = server.pipeline(transaction=False)
    pipe.rpush("ring", *[f"{now}-{i}".encode() + PAYLOAD for i in range(100)])
    pipe.ltrim("ring", -100, -1)
    pipe.execute()


_LUA = """local n=redis.call('RPUSH',KEYS[1],unpack(ARGV)); local lost={}
while n>100 do lost[#lost+1]=redis.call('LPOP',KEYS[1]); n=n-1 end
return {n,lost}"""


def _lua_ring(server: redis.Redis) -> Callable[[], object]:
    """A ring of 100 with redis-py that tells the overwritten; still no ids and no leases."""
    script = server.register_script(_LUA)

    def put() -> None:
        now = time.monotonic_ns()
        script(keys=["lua"], args=[f"{now}-{i}".encode() + PAYLOAD for i in range(100)])

    return put


@contextlib.contextmanager
def redis_server(folder: Path) -> Iterator[str]:
    """A private Redis on a Unix socket."""
    path = folder / f"redis{secrets.token_hex(3)}.sock"
    options = ["--port", "0", "--unixsocket", str(path), "--save", "", "--dir", str(folder)]
    process = subprocess.Popen(["redis-server", *options], stdout=subprocess.DEVNULL)
    try:
        for _ in range(100):
            with contextlib.suppress(redis.RedisError):
                redis.Redis.from_url(f"unix://{path}").ping()
                break
            time.sleep(0.05)
        yield f"unix://{path}"
    finally:
        process.terminate()
        process.wait(10)


def worst_jump(serving: Serving, calls: int) -> tuple[float, int]:
    """Largest step of the cost per byte from one size to the next, and the size after it."""
    broker = serving.broker("producer")
    costs = []
    for size in SIZES:
        payload = b"x" * size
        took = clock(lambda payload=payload: broker.put_many([fresh(payload)]), calls)  # type: ignore[misc]
        costs.append(statistics.median(took) / size)
    broker.close()
    steps = [after / before for before, after in itertools.pairwise(costs)]
    worst = max(steps)
    return worst, SIZES[steps.index(worst) + 1]


def crowd(serving: Serving, clients: int) -> tuple[int, float]:
    """How many of `clients` that connect at once are served, and in what time."""
    served: list[float] = []
    go = threading.Event()

    def use(number: int) -> None:
        broker = serving.broker(f"c{number}", reply_s=10)
        go.wait()
        broker.counters()
        served.append(time.monotonic())
        broker.close()

    threads = [threading.Thread(target=use, args=(i,)) for i in range(clients)]
    for thread in threads:
        thread.start()
    started = time.monotonic()
    go.set()
    for thread in threads:
        thread.join(30)
    return len(served), max(served, default=started) - started
