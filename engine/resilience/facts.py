"""The history, looked up in the ways that checkers need."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from functools import cached_property

from engine.resilience.history import Counted, Event, What

NS = 1_000_000_000


class Facts:
    """A whole history with the limits that the scenario set; never changes.

    Args:
        events: all processes' events by time.
        limits: threshold name -> figure; the names are those of `base.LIMITS`.
    """

    def __init__(self, events: Sequence[Event], limits: Mapping[str, float]) -> None:
        self.events = events
        self.limits = limits

    @cached_property
    def by_kind(self) -> dict[What, list[Event]]:
        """Kind -> events in time."""
        found: dict[What, list[Event]] = defaultdict(list)
        for event in self.events:
            found[event.what].append(event)
        return found

    def of(self, kind: What) -> list[Event]:
        """The events of one kind by time."""
        return self.by_kind.get(kind, [])

    def ids(self, kind: What) -> set[str]:
        """The ids of the events of one kind."""
        return {event.id for event in self.of(kind)}

    @cached_property
    def final(self) -> Counted | None:
        """The queue's counters after the drain; None if they were never read."""
        found = [e.counted for e in self.of(What.SAMPLE) if e.note == "final" and e.counted]
        return found[-1] if found else None

    @cached_property
    def first_handed(self) -> dict[str, Event]:
        """Id -> its first delivery."""
        found: dict[str, Event] = {}
        for event in self.of(What.HANDED):
            found.setdefault(event.id, event)
        return found

    @cached_property
    def crowd(self) -> float:
        """Share of the machine that other programs took; 0 where nobody knows."""
        return max((event.value for event in self.of(What.CROWD)), default=0.0)

    @cached_property
    def start_s(self) -> float | None:
        """The slowest bare start of a Python process during the test, s; None if none was timed."""
        return max((event.value for event in self.of(What.REFERENCE)), default=None)

    def phase(self, name: str) -> tuple[int, int] | None:
        """When a phase began and the next one did, ns; None if it never began."""
        marks = self.of(What.PHASE)
        for number, mark in enumerate(marks):
            if mark.note == name:
                after = marks[number + 1].at if number + 1 < len(marks) else self.events[-1].at
                return mark.at, after
        return None

    def delays_ms(self, begin: int, end: int) -> list[float]:
        """Intended send to hand-out of the records whose send was intended in [begin, end)."""
        return sorted(
            (event.handed - event.sent) / 1e6
            for event in self.first_handed.values()
            if begin <= self._intended.get(event.id, event.sent) < end
        )

    @cached_property
    def _intended(self) -> dict[str, int]:
        """Id -> its intended moment as its producer knows it, past any correction of clocks."""
        return {event.id: event.sent for event in self.of(What.OFFERED)}


def percentile(ordered: Sequence[float], share: float) -> float:
    """A percentile of sorted values; 0 of none."""
    if not ordered:
        return 0.0
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def some(ids: set[str], most: int = 3) -> str:
    """A few ids for a sentence."""
    shown = ", ".join(sorted(ids)[:most])
    return f"{shown} …" if len(ids) > most else shown
