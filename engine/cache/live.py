"""The live cache: least recently used, bounded in bytes, with a ruling per endpoint.

The sample origin serves from it, and shadows replay recorded requests through it, so that what is
judged is exactly what runs. It calls nobody: time and rulings come in, entries go out.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Mapping

from engine.cache.held import Endpoint, Entry, Ruling
from engine.clock import Clock
from engine.records import TOTAL

__all__ = ["Entry", "LiveCache", "Ruling"]

RECENT = 500
"""Requests over which the recent hit ratio is taken."""

REFRESH_LEAD = 0.2
"""Share of the time to live before expiry in which an entry is loaded again ahead."""

_SWEEP_S = 1.0


class LiveCache:
    """A thread-safe LRU cache of at most `capacity_bytes`.

    Each `get` and `put` is O(1) amortised. Every endpoint holds its entries for `default_ttl_s`
    unless a ruling in force says otherwise.

    Raises:
        ValueError: the capacity is below one byte, or the time to live is not above zero.
    """

    def __init__(self, capacity_bytes: int, default_ttl_s: float, clock: Clock) -> None:
        if capacity_bytes < 1:
            raise ValueError(f"a capacity of {capacity_bytes} bytes holds nothing; give at least 1")
        if not default_ttl_s > 0:
            raise ValueError(f"a time to live of {default_ttl_s} s keeps nothing; give more than 0")
        self.capacity_bytes = capacity_bytes
        self.default_ttl_s = default_ttl_s
        self._clock = clock
        self._lock = threading.Lock()
        self._order: OrderedDict[str, Entry] = OrderedDict()
        self._endpoints: dict[str, Endpoint] = {}
        self._used = 0
        self._recent = bytearray(RECENT)
        self._seen = 0
        self._recent_hits = 0
        self._next_sweep = clock.monotonic() + _SWEEP_S

    def get(self, key: str, name: str) -> Entry | None:
        """Return the entry and count a use; None, and a miss, when absent or expired."""
        with self._lock:
            now = self._settle(name)
            entry = self._order.get(key)
            if entry is not None and entry.expires_at <= now:
                self._remove(entry, now, entry.expires_at)
                entry = None
            self._count(entry is not None)
            if entry is not None:
                entry.used_since_load = True
                self._order.move_to_end(key)
            return entry

    def put(
        self,
        key: str,
        name: str,
        value: bytes | None,
        size_bytes: int,
        load_time_ms: float,
        version: int = 0,
    ) -> bool:
        """Hold a freshly loaded result; False when a ruling forbids it or it is too large.

        A held key is replaced where it stands in the order of use: loading is not using. A result
        that was not accepted leaves nothing of that key behind, since what was held is outdated.
        """
        with self._lock:
            now = self._settle(name)
            endpoint = self._endpoint(name, now)
            old = self._order.get(key)
            ruling = endpoint.ruling
            if (ruling is not None and not ruling.keep) or size_bytes > self.capacity_bytes:
                if old is not None:
                    self._remove(old, now, now)
                return False
            if old is not None and old.name != name:
                self._remove(old, now, now)
                old = None
            grown = size_bytes - (old.size_bytes if old is not None else 0)
            self._make_room(grown, now)
            if old is not None and self._order.get(key) is not old:
                return False
            entry = Entry(key, endpoint, value, size_bytes, now, load_time_ms, version)
            self._order[key] = entry
            endpoint.add(entry, now)
            self._used += grown
            return True

    def rule(self, rulings: Mapping[str, Ruling]) -> None:
        """Put rulings in force, each until its `valid_until` or the next on the same endpoint.

        Endpoints that are not named keep the ruling they have. What an endpoint may no longer
        keep is dropped at once; a changed time to live holds for entries already there.
        """
        with self._lock:
            now, wall = self._clock.monotonic(), self._clock.now()
            for name, ruling in rulings.items():
                if ruling.valid_until <= wall:
                    continue
                self._settle(name)
                endpoint = self._endpoint(name, now)
                endpoint.ruling = ruling
                endpoint.until = now + (ruling.valid_until - wall)
                endpoint.retime(max(ruling.ttl_seconds, 0.0) if ruling.keep else 0.0, now)
                self._expire(endpoint, now)

    def ruling(self, name: str) -> Ruling | None:
        """The ruling in force for an endpoint; None: plain LRU."""
        with self._lock:
            self._settle(name)
            endpoint = self._endpoints.get(name)
            return endpoint.ruling if endpoint is not None else None

    def due_for_refresh(self, limit: int | None = None) -> list[Entry]:
        """Entries to load again ahead of their expiry, each named once until it is put again.

        Due is an entry that was used since its last load, whose endpoint has refresh ahead, and
        that expires within REFRESH_LEAD of its time to live. Costs one look at each entry that
        close to its end, so call it a few times a second, not once a request. What is beyond
        `limit` stays due.
        """
        with self._lock:
            now = self._sweep()
            due: list[Entry] = []
            for endpoint in self._endpoints.values():
                if endpoint.ruling is None or not endpoint.ruling.refresh_ahead:
                    continue
                lead = endpoint.ttl * REFRESH_LEAD
                for entry in endpoint.entries.values():
                    if entry.expires_at - now > lead or len(due) == limit:
                        break
                    if entry.used_since_load and not entry.refreshing:
                        entry.refreshing = True
                        due.append(entry)
            return due

    def occupancy(self) -> dict[str, tuple[int, int, float]]:
        """Endpoint -> items, bytes, byte-seconds since the last call; "*" is the whole cache."""
        with self._lock:
            now = self._sweep()
            held: dict[str, tuple[int, int, float]] = {}
            total = 0.0
            for name, endpoint in list(self._endpoints.items()):
                endpoint.accrue(now)
                byte_seconds, endpoint.byte_seconds = max(endpoint.byte_seconds, 0.0), 0.0
                total += byte_seconds
                if endpoint.entries or byte_seconds:
                    held[name] = (len(endpoint.entries), endpoint.bytes, byte_seconds)
                elif endpoint.ruling is None:
                    del self._endpoints[name]
            held[TOTAL] = (len(self._order), self._used, total)
            return held

    @property
    def hit_ratio(self) -> float:
        """Share of hits among the last requests (RECENT of them); 0 before the first."""
        with self._lock:
            return self._recent_hits / min(self._seen, RECENT) if self._seen else 0.0

    @property
    def item_count(self) -> int:
        """Entries held, expired ones included for at most a second."""
        return len(self._order)

    @property
    def used_bytes(self) -> int:
        """Bytes held; never more than the capacity."""
        return self._used

    def _settle(self, name: str) -> float:
        """Bring an endpoint up to now: an outdated ruling ends. Returns the monotonic time."""
        now = self._clock.monotonic()
        endpoint = self._endpoints.get(name)
        if endpoint is not None and endpoint.until <= now:
            self._lapse(endpoint)
        if now >= self._next_sweep:
            self._sweep()
        return now

    def _sweep(self) -> float:
        """Drop everything that has expired anywhere. Returns the monotonic time."""
        now = self._clock.monotonic()
        self._next_sweep = now + _SWEEP_S
        for endpoint in self._endpoints.values():
            if endpoint.until <= now:
                self._lapse(endpoint)
            self._expire(endpoint, now)
        return now

    def _lapse(self, endpoint: Endpoint) -> None:
        """End a ruling at its own time, so that nothing that expired under it comes back."""
        ended_at = endpoint.until
        self._expire(endpoint, ended_at)
        endpoint.ruling = None
        endpoint.until = float("inf")
        endpoint.retime(self.default_ttl_s, ended_at)

    def _expire(self, endpoint: Endpoint, now: float) -> None:
        """Drop what had expired at `now`; each entry is dropped once, so O(1) amortised."""
        while endpoint.entries:
            entry = next(iter(endpoint.entries.values()))
            ended_at = entry.expires_at
            if ended_at > now:
                return
            self._remove(entry, max(now, endpoint.accrued_at), ended_at)

    def _make_room(self, size_bytes: int, now: float) -> None:
        while self._used + size_bytes > self.capacity_bytes:
            victim = next(iter(self._order.values()))
            self._remove(victim, now, min(now, victim.expires_at))

    def _remove(self, entry: Entry, now: float, ended_at: float) -> None:
        del self._order[entry.key]
        self._used -= entry.size_bytes
        entry.endpoint.remove(entry, now, ended_at)

    def _endpoint(self, name: str, now: float) -> Endpoint:
        endpoint = self._endpoints.get(name)
        if endpoint is None:
            endpoint = self._endpoints[name] = Endpoint(name, self.default_ttl_s, now)
        return endpoint

    def _count(self, hit: bool) -> None:
        place = self._seen % RECENT
        self._recent_hits += hit - self._recent[place]
        self._recent[place] = hit
        self._seen += 1
