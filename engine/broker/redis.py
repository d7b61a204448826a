"""The prediction queue on a Redis server, for more than one machine; the same verbs.

A lease belongs to a client process; it ends also when Redis no longer lists a connection of that
process. The server's clock is the queue's: producers turn their times into it, consumers turn them
back into theirs, so delays and expiry hold over several machines. What a producer's clock may be
off is `clock_error_ms`; between accepted and handed out no second clock is read at all.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import redis

from engine.broker import redis_scripts as lua
from engine.broker.base import (
    Broker,
    Counters,
    Delivery,
    Message,
    Peeked,
    PutReply,
    QueueSample,
)
from engine.broker.batch import checked
from engine.broker.calls import CallLog
from engine.broker.place import LIVE, check_droppable, check_name
from engine.broker.redis_clock import ServerClock
from engine.broker.redis_samples import read_newest, read_samples
from engine.broker.verbs import check_count
from engine.errors import BrokerError, SettingsError

if TYPE_CHECKING:
    from engine.settings import Settings

REPLY_S = 2.0
SLICE_S = 1.0
READINGS = 5
"""Of the server's clock before the first call; every later call is one more."""
DEFAULT_URL = "redis://127.0.0.1:6379/0"


class RedisBroker(Broker):
    """A queue kept by Redis in keys that begin with `prefix`."""

    def __init__(
        self,
        url: str = DEFAULT_URL,
        name: str = LIVE,
        client: str = "agent",
        prefix: str = "cachescope",
        reply_s: float = REPLY_S,
        now_ns: Callable[[], int] = time.monotonic_ns,
    ) -> None:
        self._now_ns = now_ns
        self._clock = ServerClock()
        self._url = url
        self._name = check_name(name)
        self._prefix = prefix
        self._key = self._key_of(name)
        self._client = f"{client}|"
        self._reply_s = reply_s
        self._log = CallLog(self._name)
        self._lock = threading.Lock()
        self._attached = False
        self._begin()

    @classmethod
    def from_settings(cls, settings: Settings, name: str, client: str) -> RedisBroker:
        """The queue on the server that the settings name."""
        url = settings.queue_address or DEFAULT_URL
        if not url.startswith(("redis://", "rediss://", "unix://")):
            raise SettingsError(
                f"CACHESCOPE_QUEUE_ADDRESS is {url!r}; with the redis backend give redis://HOST:PORT/0."
            )
        return cls(url, name, client)

    def put_many(self, messages: Sequence[Message]) -> PutReply:
        """Put records at the tail, all or none; see the base."""
        started = time.monotonic()
        batch = checked([(m.id, m.payload, m.sent_ns, m.expires_ns) for m in messages])
        self._ready()
        args: list[Any] = [round(self._clock.error_ns(self._now_ns()) / 1000)]
        for name, payload, sent_ns, expires_ns in batch:
            ends = self._clock.to_server_us(expires_ns) if expires_ns else 0
            args += (name, payload, self._clock.to_server_us(sent_ns), ends)
        accepted, doubles, over, figures, _ = self._timed("put", args)
        overwritten = tuple(item.decode() for item in over)
        self._log.note("put_many", started, put=accepted, overwritten=len(overwritten))
        return PutReply(accepted, doubles, overwritten, Counters(*figures))

    def get_many(self, count: int, timeout_s: float) -> tuple[list[Delivery], Counters]:
        """Take records from the head; see the base."""
        check_count(count)
        started = time.monotonic()
        end = started + timeout_s
        while True:
            with self._acknowledging() as done:
                args = [self._holder, self._client, count, *done]
                rows, figures, handed = self._timed("get", args)
            left = end - time.monotonic()
            if rows or left <= 0:
                self._log.note("get_many", started, got=len(rows))
                return self._deliveries(rows, handed), Counters(*figures)
            self._wait(min(left, SLICE_S))

    def acknowledge(self, ids: Sequence[str]) -> None:
        """Mark deliveries as done; travels with the next get or flush."""
        self._check_fork()
        with self._lock:
            self._done.extend(ids)

    def flush(self) -> None:
        """Send acknowledgements that have not travelled yet."""
        if self._done:
            with self._acknowledging() as done:
                self._run("acknowledge", [self._holder, self._client, *done])

    def counters(self) -> Counters:
        """The queue's totals now."""
        return Counters(*self._run("counters", []))

    def samples(self, after: int) -> list[QueueSample]:
        """Finished seconds later than `after` in which the queue was called."""
        with self._translated():
            return read_samples(self._redis, self._key, after)

    def clock_error_ms(self) -> float:
        """The most by which the clock of whoever put last may be off; see the base."""
        with self._translated():
            return float(self._redis.hget(f"{self._key}:n", "clock_error") or 0) / 1000

    def peek(self, count: int) -> list[Peeked]:
        """The newest records, newest first."""
        self._ready()
        with self._translated():
            now = self._clock.to_server_us(self._now_ns())
            return read_newest(self._redis, self._key, now, count)

    def drop(self, name: str) -> None:
        """Remove a queue of that name for good; see the base."""
        key = self._key_of(check_droppable(name))
        self._check_fork()
        with self._translated():
            self._scripts["drop"](keys=[key])
        if key == self._key:
            self._attached = False

    def close(self) -> None:
        """Give the connections back; leased records return to the head."""
        if self._pid == os.getpid() and self._attached:
            with contextlib.suppress(BrokerError):
                self.flush()
                self._run("release", [self._holder])
        self._attached = False
        self._redis.close()

    def _begin(self) -> None:
        self._pid = os.getpid()
        self._holder = f"{self._client}{self._pid}-{secrets.token_hex(6)}"
        self._done: list[str] = []
        self._attached = False
        # A Unix socket needs no keep-alive, and redis-py refuses the option there.
        keepalive = {} if self._url.startswith("unix:") else {"socket_keepalive": True}
        # redis-py types every reply as sync-or-async and text-or-bytes.
        self._redis: Any = redis.Redis.from_url(
            self._url,
            # Longer than the longest blocking call, else a live server looks dead.
            socket_timeout=self._reply_s + SLICE_S,
            socket_connect_timeout=self._reply_s,
            **keepalive,
            client_name=_connection_name(self._holder),
        )
        self._scripts: dict[str, Callable[..., Any]] = {
            name: self._redis.register_script(text) for name, text in lua.SCRIPTS.items()
        }

    def _key_of(self, name: str) -> str:
        return f"{{{self._prefix}:{name}}}"

    def _check_fork(self) -> None:
        if self._pid != os.getpid():
            self._lock = threading.Lock()
            self._begin()

    def _run(self, script: str, args: list[Any]) -> Any:  # noqa: ANN401 - Redis replies
        self._ready()
        with self._translated():
            return self._scripts[script](keys=[self._key], args=args)

    def _timed(self, script: str, args: list[Any]) -> Any:  # noqa: ANN401 - as `_run`
        """Run a script whose last word is the server's time."""
        before = self._now_ns()
        reply = self._run(script, args)
        self._clock.note(before, reply[-1], self._now_ns())
        return reply

    def _ready(self) -> None:
        """Attach, unless that was done, and read the server's clock."""
        self._check_fork()
        if self._attached:
            return
        with self._translated():
            run = self._redis.info("server")["run_id"]
            self._scripts["attach"](keys=[self._key], args=[self._holder, self._client, run])
            self._attached = True
            self._sweep()
            for _ in range(READINGS):
                before = self._now_ns()
                seconds, micros = self._redis.time()
                self._clock.note(before, seconds * 1_000_000 + micros, self._now_ns())

    def _wait(self, seconds: float) -> None:
        with self._translated():
            # Redis reads a timeout of 0 as for ever.
            self._redis.blpop([f"{self._key}:w"], timeout=max(0.01, seconds))
            self._sweep()

    def _sweep(self) -> None:
        """Return what processes hold that Redis no longer has a connection of."""
        holders = set(self._redis.hvals(f"{self._key}:l"))
        if holders <= {self._holder.encode()}:
            return
        live = {str(client["name"]) for client in self._redis.client_list()}
        gone = [h for h in holders if _connection_name(h.decode()) not in live]
        if gone:
            self._scripts["release"](keys=[self._key], args=gone)

    def _deliveries(self, rows: list[list[Any]], handed_us: int) -> list[Delivery]:
        """Records with their times in our clock; its error never puts a cause after its effect."""
        handed = min(self._clock.to_ours_ns(handed_us), self._now_ns())
        found = []
        for name, payload, sent_us, accepted_us, again in rows:
            accepted = min(self._clock.to_ours_ns(int(accepted_us)), handed)
            sent = min(self._clock.to_ours_ns(int(sent_us)), accepted)
            found.append(Delivery(name.decode(), payload, sent, accepted, handed, again == b"1"))
        return found

    @contextlib.contextmanager
    def _acknowledging(self) -> Iterator[list[str]]:
        self._check_fork()
        with self._lock:
            done, self._done = self._done, []
        try:
            yield done
        except BaseException:
            with self._lock:
                self._done = done + self._done
            raise

    @contextlib.contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except redis.RedisError as error:
            self._attached = False
            raise BrokerError(
                f"The Redis server at {_without_password(self._url)} did not do its part: {error}."
            ) from error


def _connection_name(holder: str) -> str:
    return "cachescope-" + holder.replace("|", ":").replace(" ", "_")


def _without_password(url: str) -> str:
    scheme, _, rest = url.partition("://")
    return f"{scheme}://{rest.rpartition('@')[2]}"
