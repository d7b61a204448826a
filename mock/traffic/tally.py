"""What became of the requests: counted by kind, with latencies from the intended send time."""

from __future__ import annotations

import random
import time
from collections import Counter

import httpx

KEPT = 50_000
"""Latencies kept for the percentiles; beyond that a fair sample of all (Vitter's algorithm R)."""

LATE = "not sent in time"
"""Kind of a request that could not be sent within seconds of its time: too much in flight."""


class Tally:
    """Counts of one run."""

    def __init__(self) -> None:
        self.begun = time.monotonic()
        self.sent = 0
        self.errors: Counter[str] = Counter()
        self.answered = 0
        self.hits = 0
        self.misses = 0
        self.in_a_row = 0
        self._latencies: list[float] = []
        self._random = random.Random(0)

    def answer(self, response: httpx.Response, latency_ms: float) -> None:
        """Count an answer; a status outside 200 to 299 is an error of its own kind."""
        self.sent += 1
        self.answered += 1
        self.in_a_row = 0
        if not response.is_success:
            self.errors[f"HTTP {response.status_code}"] += 1
        cached = response.headers.get("x-cache", "").lower()
        self.hits += cached.startswith("hit")
        self.misses += cached.startswith("miss")
        if len(self._latencies) < KEPT:
            self._latencies.append(latency_ms)
        elif (place := self._random.randrange(self.answered)) < KEPT:
            self._latencies[place] = latency_ms

    def failure(self, kind: str) -> None:
        """Count a request that got no answer."""
        self.sent += kind != LATE
        self.in_a_row += 1
        self.errors[kind] += 1

    def percentile(self, share: float) -> float | None:
        """Latency in ms below which `share` of the answers lie; None without answers."""
        if not self._latencies:
            return None
        ordered = sorted(self._latencies)
        return ordered[min(len(ordered) - 1, int(share * len(ordered)))]

    def result(self) -> dict[str, object]:
        """The figures of the run as JSON."""
        spent = max(time.monotonic() - self.begun, 1e-9)
        marked = self.hits + self.misses
        return {
            "requests": self.sent,
            "seconds": round(spent, 2),
            "rate": round(self.sent / spent, 2),
            "hit_share": round(self.hits / marked, 4) if marked else None,
            "p50_ms": _rounded(self.percentile(0.5)),
            "p95_ms": _rounded(self.percentile(0.95)),
            "p99_ms": _rounded(self.percentile(0.99)),
            "errors": dict(self.errors.most_common()),
        }

    def summary(self) -> str:
        """The figures of the run in a few lines."""
        found = self.result()
        lines = [f"{found['requests']} requests in {found['seconds']} s, {found['rate']}/s"]
        if found["hit_share"] is not None:
            lines.append(f"hits: {100 * self.hits / (self.hits + self.misses):.1f} % (X-Cache)")
        if found["p50_ms"] is not None:
            lines.append(
                f"latency from the intended send time: p50 {found['p50_ms']} ms, "
                f"p95 {found['p95_ms']} ms, p99 {found['p99_ms']} ms"
            )
        kinds = ", ".join(f"{count} x {kind}" for kind, count in self.errors.most_common())
        lines.append(f"errors: {kinds or 'none'}")
        return "\n".join(lines)


def kind_of(error: httpx.HTTPError) -> str:
    """A short name for a failed request."""
    if isinstance(error, httpx.TimeoutException):
        return "timed out"
    if isinstance(error, httpx.ConnectError):
        text = str(error).lower()
        return "TLS failed" if "ssl" in text or "certificate" in text else "connection refused"
    if isinstance(error, httpx.TransportError):
        return "connection lost"
    return type(error).__name__


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 2)
