"""What the origin records: a row a request, a row a refresh, and what the cache held."""

from __future__ import annotations

import time

from db.tables import cache_metrics, cache_occupancy, cache_refreshes
from db.writes import BatchWriter
from engine.keys import stored_key

INTENSITY_S = 5
"""Seconds over which the traffic's intensity is taken."""


class RateMeter:
    """Requests per second over the last INTENSITY_S whole seconds and the present one."""

    def __init__(self) -> None:
        self._counts = [0] * (INTENSITY_S + 1)
        self._second = 0

    def count(self, now: float) -> float:
        """Count one request at `now` and return the rate, requests/s."""
        second = int(now)
        for passed in range(max(self._second + 1, second - INTENSITY_S), second + 1):
            self._counts[passed % len(self._counts)] = 0
        self._second = max(self._second, second)
        self._counts[self._second % len(self._counts)] += 1
        return sum(self._counts) / (INTENSITY_S + now - int(now))


class Recorder:
    """Hands rows of one source to a batching writer. Not thread-safe: one thread records."""

    def __init__(self, writer: BatchWriter, source: int) -> None:
        self.recorded = 0
        self._writer = writer
        self._source = source
        self._meter = RateMeter()
        self._next_second = int(time.time())

    def request(
        self,
        *,
        name: str,
        key: str,
        hit: bool,
        stale: bool,
        load_time_ms: float,
        size_bytes: int,
        hit_ratio: float,
        item_count: int,
        policy: str,
        action: str | None,
    ) -> None:
        """Record one answered request."""
        now = time.time()
        self.recorded += 1
        self._writer.add(
            cache_metrics,
            {
                "timestamp": now,
                "source": self._source,
                "cache_name": name,
                "cache_key": stored_key(key),
                "hit": hit,
                "stale": stale,
                "hit_ratio": hit_ratio,
                "item_count": item_count,
                "load_time_ms": load_time_ms,
                "size_bytes": size_bytes,
                "policy_triggered": policy,
                "rl_action_taken": action,
                "traffic_intensity": round(self._meter.count(now), 2),
            },
        )

    def refresh(self, name: str, key: str, load_time_ms: float, size_bytes: int) -> None:
        """Record one load ahead of expiry."""
        self._writer.add(
            cache_refreshes,
            {
                "timestamp": time.time(),
                "source": self._source,
                "cache_name": name,
                "cache_key": stored_key(key),
                "load_time_ms": load_time_ms,
                "size_bytes": size_bytes,
            },
        )

    @property
    def second_is_over(self) -> bool:
        """Whether a whole second has passed that has no occupancy rows yet."""
        return int(time.time()) > self._next_second

    def occupancy(self, held: dict[str, tuple[int, int, float]]) -> None:
        """Record what the cache held in the seconds since the last call.

        After a pause the byte-seconds are spread evenly over the seconds that passed (at most a
        minute), so that every second of a living recorder has a row.
        """
        until = int(time.time())
        seconds = range(max(self._next_second, until - 60), until)
        for at in seconds:
            for name, (items, held_bytes, byte_seconds) in held.items():
                self._writer.add(
                    cache_occupancy,
                    {
                        "source": self._source,
                        "at": at,
                        "cache_name": name,
                        "items": items,
                        "bytes": held_bytes,
                        "byte_seconds": byte_seconds / len(seconds),
                    },
                )
        self._next_second = max(self._next_second, until)
