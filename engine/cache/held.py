"""What the live cache holds: entries, the endpoint they belong to, and the ruling on it."""

from __future__ import annotations

from collections import OrderedDict
from math import inf

import msgspec


class Ruling(msgspec.Struct, frozen=True):
    """How one endpoint's results are to be held until `valid_until` (wall time, seconds)."""

    keep: bool
    ttl_seconds: float
    refresh_ahead: bool
    valid_until: float


class Entry:
    """One held result. Times are seconds of the cache's monotonic clock.

    `value` may be None: a replay needs only sizes.
    """

    __slots__ = (
        "endpoint",
        "key",
        "load_time_ms",
        "name",
        "refreshing",
        "size_bytes",
        "stored_at",
        "used_since_load",
        "value",
        "version",
    )

    def __init__(
        self,
        key: str,
        endpoint: Endpoint,
        value: bytes | None,
        size_bytes: int,
        stored_at: float,
        load_time_ms: float,
        version: int,
    ) -> None:
        self.key = key
        self.endpoint = endpoint
        self.name = endpoint.name
        self.value = value
        self.size_bytes = size_bytes
        self.stored_at = stored_at
        self.load_time_ms = load_time_ms
        self.version = version
        self.used_since_load = False
        self.refreshing = False

    @property
    def expires_at(self) -> float:
        """When it ends under the time to live now in force."""
        return self.endpoint.expiry(self.stored_at)


class Endpoint:
    """The entries of one cache name, oldest load first, and what they occupied.

    All entries of an endpoint share one time to live, so the order of loading is the order of
    expiry: looking at the front is enough, and a changed time to live costs nothing per entry.
    """

    __slots__ = (
        "accrued_at",
        "byte_seconds",
        "bytes",
        "entries",
        "floor",
        "name",
        "ruling",
        "ttl",
        "until",
    )

    def __init__(self, name: str, ttl: float, now: float) -> None:
        self.name = name
        self.entries: OrderedDict[str, Entry] = OrderedDict()
        self.bytes = 0
        self.byte_seconds = 0.0
        self.accrued_at = now
        self.ttl = ttl
        self.floor = -inf
        self.ruling: Ruling | None = None
        self.until = inf

    def expiry(self, stored_at: float) -> float:
        """When an entry loaded at `stored_at` ends; never before the last change of the ttl."""
        return max(stored_at + self.ttl, self.floor)

    def retime(self, ttl: float, now: float) -> None:
        """Hold entries for `ttl` seconds from now on."""
        if ttl != self.ttl:
            self.ttl = ttl
            self.floor = now

    def accrue(self, now: float) -> None:
        """Count the bytes held since the last call."""
        self.byte_seconds += self.bytes * (now - self.accrued_at)
        self.accrued_at = now

    def add(self, entry: Entry, now: float) -> None:
        """Hold `entry` as the latest load, in place of one with the same key."""
        self.accrue(now)
        old = self.entries.pop(entry.key, None)
        self.entries[entry.key] = entry
        self.bytes += entry.size_bytes - (old.size_bytes if old else 0)

    def remove(self, entry: Entry, now: float, ended_at: float) -> None:
        """Let go of `entry`, which counted as held until `ended_at` (not later than `now`)."""
        self.accrue(now)
        del self.entries[entry.key]
        self.bytes -= entry.size_bytes
        self.byte_seconds -= entry.size_bytes * (now - ended_at)
