"""Load times counted in logarithmic bins, so that percentiles of merged seconds stay honest.

An average of percentiles is no percentile; bins can be added. 40 bins from 0.1 ms to 60 s, each
1.39 times as wide as the one before, so a quantile read back is off by at most that factor, and
usually far less because it is interpolated within its bin.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping

BINS = 40
LOWEST_MS = 0.1
HIGHEST_MS = 60_000.0

_LOG_LOWEST = math.log(LOWEST_MS)
_LOG_STEP = (math.log(HIGHEST_MS) - _LOG_LOWEST) / BINS


def bin_of(value_ms: float) -> int:
    """The bin of a load time; everything outside 0.1 ms to 60 s falls into the end bins."""
    if value_ms <= LOWEST_MS:
        return 0
    return min(int((math.log(value_ms) - _LOG_LOWEST) / _LOG_STEP), BINS - 1)


class Histogram:
    """Counts of load times in bins; sparse, mergeable, JSON `{"bin": count}`."""

    __slots__ = ("counts",)

    def __init__(self, counts: Mapping[int, int] | None = None) -> None:
        self.counts: dict[int, int] = dict(counts or {})

    def add(self, value_ms: float, count: int = 1) -> None:
        """Count a load time `count` times."""
        index = bin_of(value_ms)
        self.counts[index] = self.counts.get(index, 0) + count

    def merge(self, other: Histogram) -> None:
        """Add another histogram's counts to these."""
        for index, count in other.counts.items():
            self.counts[index] = self.counts.get(index, 0) + count

    @property
    def total(self) -> int:
        """How many load times were counted."""
        return sum(self.counts.values())

    def quantile(self, share: float) -> float | None:
        """The load time in ms below which `share` (0 to 1) of the counts lie; None when empty."""
        wanted = share * self.total
        seen = 0
        for index in sorted(self.counts):
            count = self.counts[index]
            if count and seen + count >= wanted:
                within = min(max((wanted - seen) / count, 0.0), 1.0)
                return math.exp(_LOG_LOWEST + (index + within) * _LOG_STEP)
            seen += count
        return None

    def to_json(self) -> str:
        """The sparse form that a rollup stores; at most 600 characters for sane counts."""
        sparse = {str(index): count for index, count in sorted(self.counts.items()) if count}
        return json.dumps(sparse, separators=(",", ":"))

    @classmethod
    def from_json(cls, text: str) -> Histogram:
        """Read back what `to_json` wrote; an empty text is an empty histogram."""
        return cls({int(index): int(count) for index, count in json.loads(text or "{}").items()})


def merged(texts: Iterable[str]) -> Histogram:
    """Sum of the stored histograms of many rollups."""
    whole = Histogram()
    for text in texts:
        whole.merge(Histogram.from_json(text))
    return whole
