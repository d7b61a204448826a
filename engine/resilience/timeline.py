"""A history told in bins of a tenth of a second, as it grows: what charts and reports draw."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path
from typing import Any

import msgspec

from engine.resilience.facts import NS, percentile
from engine.resilience.history import Event, What

BIN_S = 0.1
WIDTH_NS = NS // 10
MAX_BINS = 900
MAX_MARKS = 120
_decode = msgspec.json.Decoder(Event).decode

MARKED = (What.PHASE, What.INJECTED, What.HEALED, What.STATE, What.GONE)


class Timeline:
    """Reads the files of a history again and again, each line once; seconds count from the first.

    Args:
        folder: where the files lie, or will.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._places: dict[Path, int] = defaultdict(int)
        self._begin = 0
        self._bins: dict[int, dict[str, Any]] = {}
        self._marks: list[tuple[int, str, str]] = []

    def follow(self) -> None:
        """Take in what was written since the last call."""
        for path in sorted(self._folder.glob("*.jsonl")):
            with path.open("rb") as file:
                file.seek(self._places[path])
                data = file.read()
            whole = data.rfind(b"\n") + 1
            self._places[path] += whole
            for line in data[:whole].splitlines():
                try:
                    self._take(_decode(line))
                except msgspec.DecodeError:
                    continue

    def told(self) -> dict[str, Any]:
        """What a chart needs: columns of equal length, and marks.

        `at` in seconds from the start, counts per second, delays in ms; a mark is (seconds, kind,
        words).
        """
        numbers = sorted(self._bins)[-MAX_BINS:]
        first = self._begin // WIDTH_NS
        found: dict[str, Any] = {"at": [round((n - first) * BIN_S, 2) for n in numbers]}
        for name in _COLUMNS:
            found[name] = [_figure(name, self._bins[number]) for number in numbers]
        marks = sorted(self._marks)[:MAX_MARKS]
        found["marks"] = [[round(self._since(at), 2), kind, words] for at, kind, words in marks]
        return found

    def _since(self, at: int) -> float:
        return (at - self._begin) / NS

    def _take(self, event: Event) -> None:
        self._begin = min(self._begin or event.at, event.at)
        if event.what in MARKED:
            self._marks.append((event.at, str(event.what), event.note))
        bin_ = self._bins.setdefault(
            event.at // WIDTH_NS,
            {"offered": 0, "handed": 0, "overwritten": 0, "depth": None, "delays": [], "put": []},
        )
        if event.counted is not None:
            bin_["depth"] = max(bin_["depth"] or 0, event.counted.depth)
        if event.what is What.OFFERED:
            bin_["offered"] += 1
        elif event.what is What.OVERWRITTEN:
            bin_["overwritten"] += 1
        elif event.what is What.HANDED and not event.again:
            bin_["handed"] += 1
            bin_["delays"].append((event.handed - event.accepted) / 1e6)
            bin_["put"].append((event.accepted - event.sent) / 1e6)


_COLUMNS = ("offered", "handed", "overwritten", "depth", "dequeue_p95_ms", "enqueue_p95_ms")


def _figure(name: str, bin_: dict[str, Any]) -> float | None:
    if name == "depth":
        return None if bin_["depth"] is None else float(bin_["depth"])
    if name in ("dequeue_p95_ms", "enqueue_p95_ms"):
        values = sorted(bin_["delays" if name.startswith("dequeue") else "put"])
        return round(percentile(values, 0.95), 3) if values else None
    return round(float(bin_[name]) / BIN_S, 1)


def summed(timeline: dict[str, Any]) -> dict[str, float]:
    """A run's head figures, by which two runs are compared."""
    steps = {name: [v for v in timeline[name] if v is not None] for name in _COLUMNS}
    return {
        "offered": round(sum(steps["offered"]) * BIN_S),
        "delivered": round(sum(steps["handed"]) * BIN_S),
        "overwritten": round(sum(steps["overwritten"]) * BIN_S),
        "deepest": max(steps["depth"], default=0.0),
        "dequeue_p95_ms": percentile(sorted(steps["dequeue_p95_ms"]), 0.5),
        "dequeue_worst_ms": max(steps["dequeue_p95_ms"], default=0.0),
        "enqueue_p95_ms": percentile(sorted(steps["enqueue_p95_ms"]), 0.5),
        "enqueue_worst_ms": max(steps["enqueue_p95_ms"], default=0.0),
    }
