"""What is summed over one bucket of time and one endpoint: a row of `rollups` in the making."""

from __future__ import annotations

from typing import Any

from db.queries.traffic import SUMS
from engine.histogram import Histogram


class Sums:
    """The additive figures of a bucket; times in ms, sizes in bytes."""

    __slots__ = (*SUMS, "histogram")

    def __init__(self) -> None:
        self.requests = 0
        self.hits = 0
        self.stale_hits = 0
        self.load_time_ms = 0.0
        self.miss_load_time_ms = 0.0
        self.saved_ms = 0.0
        self.refreshes = 0
        self.refresh_ms = 0.0
        self.bytes_requested = 0
        self.byte_seconds = 0.0
        self.missing = 0
        self.histogram = Histogram()

    def request(
        self, hit: bool, stale: bool, load_time_ms: float, size_bytes: int, saved_ms: float
    ) -> None:
        """Count one request."""
        self.requests += 1
        self.load_time_ms += load_time_ms
        self.bytes_requested += size_bytes
        self.histogram.add(load_time_ms)
        if hit:
            self.hits += 1
            self.stale_hits += stale
            self.saved_ms += saved_ms
        else:
            self.miss_load_time_ms += load_time_ms

    def merge(self, other: Sums) -> None:
        """Add another bucket's figures to these."""
        # Written out: a loop over names takes three times as long, and this is most of catching up.
        self.requests += other.requests
        self.hits += other.hits
        self.stale_hits += other.stale_hits
        self.load_time_ms += other.load_time_ms
        self.miss_load_time_ms += other.miss_load_time_ms
        self.saved_ms += other.saved_ms
        self.refreshes += other.refreshes
        self.refresh_ms += other.refresh_ms
        self.bytes_requested += other.bytes_requested
        self.byte_seconds += other.byte_seconds
        self.missing += other.missing
        self.histogram.merge(other.histogram)

    def copy(self) -> Sums:
        """The same figures, to be changed apart."""
        twin = Sums()
        twin.merge(self)
        return twin

    def row(self, source: int, policy: str, width: int, at: int, name: str) -> dict[str, Any]:
        """The row of `rollups` with these figures."""
        figures: dict[str, Any] = {number: getattr(self, number) for number in SUMS}
        return {
            "source": source,
            "policy": policy,
            "width": width,
            "at": at,
            "cache_name": name,
            **figures,
            "load_histogram": self.histogram.to_json(),
        }

    @classmethod
    def of(cls, row: Any) -> Sums:  # noqa: ANN401 - a mapping with the columns of rollups
        """The figures of a stored row."""
        sums = cls()
        for number in SUMS:
            setattr(sums, number, row[number])
        sums.histogram = Histogram.from_json(row["load_histogram"])
        return sums


Seconds = dict[int, dict[str, Sums]]
"""Start of a bucket -> endpoint -> figures."""
