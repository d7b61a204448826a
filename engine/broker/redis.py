"""The prediction queue on a Redis server, for more than one machine; the same verbs.

A lease belongs to a client process; it ends also when Redis no longer lists a connection of that
process. The server's clock is the queue's: producers turn their times into it, consumers turn them
back into theirs, so delays and expiry hold over several machines. What a producer's clock may be
off is `clock_error_ms`; between accepted and handed out no second clock is read at all.
"""

from __future__ import annotations

import contextlib
import os
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

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
from engine.broker.redis_link import SLICE_S, RedisLink
from engine.broker.redis_samples import read_newest, read_samples
from engine.broker.verbs import check_count
from engine.errors import SettingsError

if TYPE_CHECKING:
    from engine.settings import Settings

REPLY_S = 2.0
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
        self._check_fork()
        self._link.ready()
        args: list[Any] = [round(self._clock.error_ns(self._now_ns()) / 1000)]
        for name, payload, sent_ns, expires_ns in batch:
            ends = self._clock.to_server_us(expires_ns) if expires_ns else 0
            args += (name, payload, self._clock.to_server_us(sent_ns), ends)
        accepted, doubles, over, figures, _ = self._link.run("put", args, timed=True)
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
                rows, figures, handed = self._link.run("get", [count, *done], held=True, timed=True)
            left = end - time.monotonic()
            if rows or left <= 0:
                self._log.note("get_many", started, got=len(rows))
                return self._deliveries(rows, handed), Counters(*figures)
            self._link.wait(min(left, SLICE_S))

    def acknowledge(self, ids: Sequence[str]) -> None:
        """Mark deliveries as done; travels with the next get or flush."""
        self._check_fork()
        with self._lock:
            self._done.extend(ids)

    def flush(self) -> None:
        """Send acknowledgements that have not travelled yet."""
        if self._done:
            with self._acknowledging() as done:
                self._link.run("acknowledge", done, held=True)

    def counters(self) -> Counters:
        """The queue's totals now."""
        self._check_fork()
        return Counters(*self._link.run("counters", []))

    def samples(self, after: int) -> list[QueueSample]:
        """Finished seconds later than `after` in which the queue was called."""
        self._check_fork()
        found: list[QueueSample]
        found = self._link.ask(lambda server: read_samples(server, self._key, after))
        return found

    def clock_error_ms(self) -> float:
        """The most by which the clock of whoever put last may be off; see the base."""
        self._check_fork()
        error = self._link.ask(lambda server: server.hget(f"{self._key}:n", "clock_error"))
        return float(error or 0) / 1000

    def peek(self, count: int) -> list[Peeked]:
        """The newest records, newest first."""
        self._check_fork()
        self._link.ready()
        now = self._clock.to_server_us(self._now_ns())
        found: list[Peeked]
        found = self._link.ask(lambda server: read_newest(server, self._key, now, count))
        return found

    def drop(self, name: str) -> None:
        """Remove a queue of that name for good; see the base."""
        key = self._key_of(check_droppable(name))
        self._check_fork()
        self._link.drop(key)

    def close(self) -> None:
        """Give the connections back; leased records return to the head."""
        if self._pid == os.getpid():
            self._link.close(self.flush)

    def _begin(self) -> None:
        self._pid = os.getpid()
        self._lock = threading.Lock()
        self._done: list[str] = []
        self._link = RedisLink(
            self._url, self._client, self._key, self._reply_s, self._clock, self._now_ns
        )

    def _key_of(self, name: str) -> str:
        return f"{{{self._prefix}:{name}}}"

    def _check_fork(self) -> None:
        if self._pid != os.getpid():
            self._begin()

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
