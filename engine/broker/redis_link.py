"""One client's connections to Redis: deadlines, reconnection, and whose leases are whose.

After any trouble a reply may be lost that handed records out. So a client begins anew under another
holder, and what the old one held goes back when it attaches.
"""

from __future__ import annotations

import contextlib
import random
import secrets
import threading
import time
from collections.abc import Callable
from os import getpid
from typing import Any

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from engine.broker import redis_scripts as lua
from engine.broker.redis_clock import ServerClock
from engine.errors import BrokerError

SLICE_S = 1.0
"""The longest that one call blocks on the server."""

FIRST_PAUSE_S = 0.02
LONGEST_PAUSE_S = 0.5

READINGS = 5
"""Of the server's clock when a client attaches; every later timed call is one more."""

Call = Callable[[Any], Any]
"""What is done with a connection; redis-py types every reply as sync-or-async, text-or-bytes."""


class RedisLink:
    """The connections of one process; thread-safe.

    Args:
        url: of the server.
        client: whose leases these are, ending in "|".
        key: prefix of the queue's keys.
        reply_s: how long a call waits for its reply, and for a lost server to come back.
        clock: of the server; learns from calls.
        now_ns: our monotonic clock.
    """

    def __init__(
        self,
        url: str,
        client: str,
        key: str,
        reply_s: float,
        clock: ServerClock,
        now_ns: Callable[[], int] = time.monotonic_ns,
    ) -> None:
        self._url, self._client, self._key, self._reply_s = url, client, key, reply_s
        self._clock, self._now_ns = clock, now_ns
        self._lock = threading.Lock()
        self._begin()

    def ready(self) -> None:
        """Attach, unless that was done, and read the server's clock; raises as `run` does."""
        if not self._attached:
            self.ask(self._attach)

    def run(self, script: str, args: list[Any], *, held: bool = False, timed: bool = False) -> Any:  # noqa: ANN401
        """Run a script on the queue.

        `held`: its first arguments are our holder and client; `timed`: its last word is the
        server's time.

        Repeating is safe: puts and acknowledgements are known by their ids, and what a lost reply
        handed out goes back when we attach anew.

        Raises:
            BrokerError: no reply in time, or the server refused.
        """

        def call(server: Any) -> Any:  # noqa: ANN401
            self._attach(server)
            whose = [self.holder, self._client] if held else []
            before = self._now_ns()
            reply = self._scripts[script](keys=[self._key], args=[*whose, *args], client=server)
            if timed:
                self._clock.note(before, reply[-1], self._now_ns())
            return reply

        return self.ask(call)

    def ask(self, call: Call) -> Any:  # noqa: ANN401
        """Do something with the server, reconnecting with growing pauses until the deadline.

        Raises:
            BrokerError: no reply in time, or the server refused.
        """
        deadline, pause = 0.0, FIRST_PAUSE_S
        while True:
            server = self._redis
            try:
                return call(server)
            except redis.RedisError as error:
                self._begin_anew(server)
                deadline = deadline or time.monotonic() + self._reply_s
                left = deadline - time.monotonic()
                if left <= 0 or not _is_lost(error):
                    raise BrokerError(
                        f"The Redis server at {_without_password(self._url)} did not do its part: "
                        f"{error}."
                    ) from error
            time.sleep(min(left, pause * (0.8 + 0.4 * random.random())))  # noqa: S311 - jitter
            pause = min(LONGEST_PAUSE_S, pause * 2)

    def wait(self, seconds: float) -> None:
        """Sleep until somebody puts a record, at most `seconds`."""

        def call(server: Any) -> None:  # noqa: ANN401
            # Redis reads a timeout of 0 as for ever.
            server.blpop([f"{self._key}:w"], timeout=max(0.01, min(seconds, SLICE_S)))
            self._sweep(server)

        self.ask(call)

    def drop(self, key: str) -> None:
        """Remove the queue whose keys begin with `key`."""
        self.ask(lambda server: self._scripts["drop"](keys=[key], client=server))
        if key == self._key:
            self._attached = False

    def close(self, before: Callable[[], None]) -> None:
        """Give the connections back, after `before` and the release of what we hold."""
        if self._attached:
            with contextlib.suppress(BrokerError):
                before()
                self.run("release", [self.holder])
        self._attached = False
        self._redis.close()

    def _begin(self) -> None:
        self._attached = False
        self.holder = f"{self._client}{getpid()}-{secrets.token_hex(6)}"
        # A Unix socket needs no keep-alive, and redis-py refuses the option there.
        keepalive = {} if self._url.startswith("unix:") else {"socket_keepalive": True}
        self._redis: Any = redis.Redis.from_url(
            self._url,
            # Longer than the longest blocking call, else a live server looks dead.
            socket_timeout=self._reply_s + SLICE_S,
            socket_connect_timeout=self._reply_s,
            **keepalive,
            client_name=_connection_name(self.holder),
            # Its own repetition would hide a lost reply, and with it what was handed out.
            retry=Retry(NoBackoff(), 0),
        )
        self._scripts = {
            name: self._redis.register_script(text) for name, text in lua.SCRIPTS.items()
        }

    def _begin_anew(self, broken: Any) -> None:  # noqa: ANN401
        with self._lock:
            if self._redis is broken:  # else another thread was first
                broken.close()
                self._begin()

    def _attach(self, server: Any) -> None:  # noqa: ANN401
        if self._attached:
            return
        self._scripts["attach"](keys=[self._key], args=[self.holder, self._client], client=server)
        self._sweep(server)
        for _ in range(READINGS):
            before = self._now_ns()
            seconds, micros = server.time()
            self._clock.note(before, seconds * 1_000_000 + micros, self._now_ns())
        self._attached = True

    def _sweep(self, server: Any) -> None:  # noqa: ANN401
        """Return what processes hold that Redis no longer has a connection of."""
        holders = set(server.hvals(f"{self._key}:l"))
        if holders <= {self.holder.encode()}:
            return
        # As two words redis-py leaves the reply as it is: when hundreds attach at once, reading it
        # is most of what they do.
        live: bytes = server.execute_command("CLIENT", "LIST")
        gone = [h for h in holders if f" name={_connection_name(h.decode())} ".encode() not in live]
        if gone:
            self._scripts["release"](keys=[self._key], args=gone, client=server)


def _is_lost(error: redis.RedisError) -> bool:
    """Whether the connection broke or the server is starting; a new one may do."""
    return isinstance(error, redis.ConnectionError) and not isinstance(
        error, redis.AuthenticationError
    )


def _connection_name(holder: str) -> str:
    return "cachescope-" + holder.replace("|", ":").replace(" ", "_")


def _without_password(url: str) -> str:
    scheme, _, rest = url.partition("://")
    return f"{scheme}://{rest.rpartition('@')[2]}"
