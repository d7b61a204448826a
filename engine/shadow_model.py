"""What a recording tells a replay: how long a hit takes, how soon the data behind it changes."""

from __future__ import annotations

import math
from collections import OrderedDict, deque
from statistics import median
from typing import Protocol

from engine.records import Request

HIT_MS = 0.5
"""Time of a hit in ms where none was recorded."""

_RECENT_HITS = 301
_KEYS = 50_000
_FADE = 0.999


class ReplayModel(Protocol):
    """What a shadow has to know that its own cache cannot tell."""

    @property
    def hit_ms(self) -> float:
        """Time in ms that a hit takes."""

    def stale_share(self, request: Request, stored_at: float) -> float:
        """Chance (0 to 1) that a result loaded at `stored_at` is outdated at this request."""


class RecordedModel:
    """Learns both from the recorded requests; show it each one before the shadows replay it.

    The time of a hit is the median of the recent recorded hits. A recorded stale flag settles the
    question for an entry that is at least as old (stale) or at most as old (fresh) as the recorded
    one. Else the chance is 1 - exp(-rate x age), with the rate of changes fitted per endpoint to
    the flags seen so far (current-status data; one step of the fixed point of its likelihood).
    Where no row carries a flag nothing can be known, and every hit counts as fresh. Reloads ahead
    of expiry are not in the stream, so ages are a little too long and rates a little too low.
    """

    def __init__(self) -> None:
        self._hits: deque[float] = deque(maxlen=_RECENT_HITS)
        self._hit_ms = HIT_MS
        self._until_median = 1
        self._loaded: OrderedDict[str, float] = OrderedDict()
        self._flags: dict[str, _Flags] = {}

    @property
    def hit_ms(self) -> float:
        """Median time in ms of the recent recorded hits."""
        return self._hit_ms

    def observe(self, request: Request) -> None:
        """Learn from one recorded request."""
        if request.hit:
            self._observe_hit(request.load_time_ms)
            loaded_at = self._loaded.get(request.cache_key)
            if request.stale is not None and loaded_at is not None:
                flags = self._flags.setdefault(request.cache_name, _Flags())
                flags.add(request.timestamp - loaded_at, request.stale)
        else:
            self._loaded[request.cache_key] = request.timestamp
            self._loaded.move_to_end(request.cache_key)
            if len(self._loaded) > _KEYS:
                self._loaded.popitem(last=False)

    def stale_share(self, request: Request, stored_at: float) -> float:
        """Chance (0 to 1) that a result loaded at `stored_at` is outdated at this request."""
        if request.hit and request.stale is not None:
            loaded_at = self._loaded.get(request.cache_key)
            if loaded_at is not None and request.stale and stored_at <= loaded_at:
                return 1.0
            if loaded_at is not None and not request.stale and stored_at >= loaded_at:
                return 0.0
        flags = self._flags.get(request.cache_name)
        return 0.0 if flags is None else flags.share(request.timestamp - stored_at)

    def _observe_hit(self, load_time_ms: float) -> None:
        self._hits.append(load_time_ms)
        self._until_median -= 1
        if self._until_median <= 0:
            self._hit_ms = median(self._hits)
            self._until_median = 50


class _Flags:
    """Fading counts of stale and fresh recorded hits of one endpoint, with their ages."""

    __slots__ = ("fresh_age", "rate", "stale", "stale_age")

    def __init__(self) -> None:
        self.stale = 0.0
        self.stale_age = 0.0
        self.fresh_age = 0.0
        self.rate = 0.0

    def add(self, age: float, is_stale: bool) -> None:
        self.stale *= _FADE
        self.stale_age *= _FADE
        self.fresh_age *= _FADE
        if is_stale:
            self.stale += 1.0
            self.stale_age += age
        else:
            self.fresh_age += age
        # The change came somewhere within a stale entry's age: half of it was spent fresh.
        exposure = self.fresh_age + self.stale_age / 2
        self.rate = self.stale / exposure if exposure > 0 else 0.0

    def share(self, age: float) -> float:
        return 1.0 - math.exp(-self.rate * age) if age > 0 else 0.0
