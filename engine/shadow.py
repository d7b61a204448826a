"""A shadow: what a cache under other rulings would have done with the recorded requests.

It replays them through the very class that serves (`engine.cache.live`), in recorded time. Costs
are those of the recording: what the shadow has to load costs the key's last known miss.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Mapping
from typing import NamedTuple

from engine.cache.applier import Applier
from engine.cache.live import LiveCache, Ruling
from engine.clock import ManualClock
from engine.collector.sums import Seconds, Sums
from engine.records import TOTAL, Request
from engine.shadow_model import RecordedModel, ReplayModel

LONGEST_STEPPED_S = 600
"""After a longer silence the time before is crossed in one leap."""


class Outcome(NamedTuple):
    """What became of one replayed request; times in ms, `stale` is a chance from 0 to 1."""

    hit: bool
    stale: float
    load_time_ms: float
    saved_ms: float


class Shadow:
    """One cache that is only imagined.

    Feed it requests in order of time, then `advance` to the time up to which all are known, then
    `drain` the finished seconds. Several shadows may share one `model`. About 10 microseconds a
    request.

    Args:
        name: the policy's name in `rollups`.
        capacity_bytes: as the recorded cache's.
        default_ttl_s: time to live where no ruling is in force.
        model: time of a hit and staleness; default: a `RecordedModel` fed by this shadow alone.
    """

    def __init__(
        self,
        name: str,
        capacity_bytes: int,
        default_ttl_s: float,
        model: ReplayModel | None = None,
    ) -> None:
        self.name = name
        self._clock = ManualClock()
        self.cache = LiveCache(capacity_bytes, default_ttl_s, self._clock)
        self._own_model = RecordedModel() if model is None else None
        self._model: ReplayModel = model or self._own_model or RecordedModel()
        self._seconds: Seconds = {}
        self._second = 0
        self._scheduled: list[tuple[float, int, Mapping[str, Ruling]]] = []
        self._count = 0
        self._applier = Applier(self.cache, self._clock)
        self._stale_rest: dict[str, float] = {}

    def schedule(self, at: float, rulings: Mapping[str, Ruling]) -> None:
        """Put rulings in force when the replay reaches `at` (at once if it has passed it).

        A ruling on `records.OTHER` holds for every endpoint without one of its own.
        """
        if at <= self._clock.now():
            self._applier.rule(rulings)
            return
        self._count += 1
        heapq.heappush(self._scheduled, (at, self._count, rulings))

    def rule_all(self, ruling: Ruling) -> None:
        """Put one ruling in force for every endpoint, also for those not seen yet."""
        self._applier.rule_all(ruling)

    def request(self, request: Request, cost_ms: float | None = None) -> Outcome:
        """Replay one request.

        Args:
            request: as recorded; requests from the past count as of now.
            cost_ms: the key's last miss cost known before it; None: what the shadow's load took.
        """
        if self._own_model is not None:
            self._own_model.observe(request)
        self.advance(request.timestamp)
        name = request.cache_name
        self._applier.meet(name)
        entry = self.cache.get(request.cache_key, name)
        if entry is not None:
            hit_ms = self._model.hit_ms
            share = self._model.stale_share(request, entry.stored_at)
            # As in the recording: the key's last miss cost known before the hit - the hit's time.
            known = entry.load_time_ms if cost_ms is None else cost_ms
            outcome = Outcome(True, share, hit_ms, known - hit_ms)
        else:
            known = request.load_time_ms if cost_ms is None else cost_ms
            load = known if request.hit else request.load_time_ms
            self.cache.put(request.cache_key, name, None, request.size_bytes, load)
            outcome = Outcome(False, 0.0, load, 0.0)
        self._sums(name).request(
            outcome.hit,
            self._is_stale(name, outcome.stale),
            outcome.load_time_ms,
            request.size_bytes,
            outcome.saved_ms,
        )
        return outcome

    def advance(self, now: float) -> None:
        """Let time pass up to `now`: rulings begin, entries are loaded ahead, seconds end."""
        if now <= self._clock.now():
            return
        self._leap(now)
        while self._second + 1 <= now:
            self._begin_rulings(self._second + 1)
            self._clock.set(max(self._second + 1, self._clock.now()))
            self._end_second()
        self._begin_rulings(now)
        self._clock.set(now)

    def drain(self) -> Seconds:
        """Take the figures of all seconds that have ended; "*" is their total.

        Every second that was stepped through has a total, also when nothing was asked.
        """
        done = {at: names for at, names in self._seconds.items() if at < self._second}
        for at, names in done.items():
            del self._seconds[at]
            total = Sums()
            for sums in names.values():
                total.merge(sums)
            names[TOTAL] = total
        return done

    def _leap(self, now: float) -> None:
        empty = not self.cache.item_count and not self._scheduled and not self._seconds
        start = math.floor(now) - (0 if empty else LONGEST_STEPPED_S)
        if start > self._second:
            self._begin_rulings(start)
            self._clock.set(start)
            self._second = start
            self.cache.occupancy()

    def _end_second(self) -> None:
        names = self._seconds.setdefault(self._second, {})
        for entry in self.cache.due_for_refresh():
            sums = names.setdefault(entry.name, Sums())
            sums.refreshes += 1
            sums.refresh_ms += entry.load_time_ms
            self.cache.put(entry.key, entry.name, None, entry.size_bytes, entry.load_time_ms)
        for name, (_, _, byte_seconds) in self.cache.occupancy().items():
            if name != TOTAL and byte_seconds:
                names.setdefault(name, Sums()).byte_seconds += byte_seconds
        self._second += 1

    def _begin_rulings(self, now: float) -> None:
        while self._scheduled and self._scheduled[0][0] <= now:
            at, _, rulings = heapq.heappop(self._scheduled)
            self._clock.set(max(at, self._clock.now()))
            self._applier.rule(rulings)

    def _sums(self, name: str) -> Sums:
        return self._seconds.setdefault(self._second, {}).setdefault(name, Sums())

    def _is_stale(self, name: str, share: float) -> bool:
        """Turn chances into whole stale hits whose sum is right: the rest is carried on."""
        if share in (0.0, 1.0):
            return bool(share)
        rest = self._stale_rest.get(name, 0.0) + share
        self._stale_rest[name] = rest - (rest >= 1.0)
        return rest >= 1.0
