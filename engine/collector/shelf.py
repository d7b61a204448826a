"""Rollups in the making: seconds put in, buckets of 10 and 300 seconds made of them.

A bucket is always the sum of the smaller ones below it, never an increment, so writing it twice
gives the same row, whatever died in between.
"""

from __future__ import annotations

import math
from collections import defaultdict
from typing import Any

from db.queries.traffic import SUMS
from engine.collector.sums import Seconds, Sums

WIDTHS = (1, 10, 300)
KEPT_S = 900
"""Seconds of width 1 and 10 held in memory behind the settled second."""

SECONDS_KEPT_S = 7200
"""How long rollups of width 1 stay in the store."""


class Shelf:
    """The recent rollups of every policy, and which of them are not stored yet."""

    def __init__(self) -> None:
        self._ones: dict[str, Seconds] = defaultdict(dict)
        self._tens: dict[str, Seconds] = defaultdict(dict)
        self._dirty: dict[int, set[tuple[str, int]]] = {width: set() for width in WIDTHS}
        self._ten_written = -1

    def put(self, policy: str, at: int, names: dict[str, Sums]) -> None:
        """Replace a second's figures by endpoint; equal figures leave nothing to write."""
        if _same(self._ones[policy].get(at), names):
            return
        self._ones[policy][at] = names
        for width in WIDTHS:
            self._dirty[width].add((policy, at // width * width))

    def get(self, policy: str, at: int) -> dict[str, Sums] | None:
        """A second's figures, if it is still held."""
        return self._ones[policy].get(at)

    def restore(self, policy: str, width: int, at: int, name: str, sums: Sums) -> None:
        """Lay down a stored row of width 1 or 10."""
        level = self._ones if width == 1 else self._tens
        level[policy].setdefault(at, {})[name] = sums
        self._dirty[300].add((policy, at // 300 * 300))

    def requests(self, policy: str, start: int, end: int, name: str) -> int:
        """Requests of an endpoint in [start, end), as far as held."""
        ones = self._ones[policy]
        held = (ones.get(at, {}).get(name) for at in range(start, end))
        return sum(sums.requests for sums in held if sums is not None)

    def rows(
        self, source: int, now: float, totals_only: frozenset[str], settled: int
    ) -> list[dict[str, Any]]:
        """The rows that the store lacks.

        Policies in `totals_only` keep endpoints at width 10 and up only. Seconds that retention
        would take away at once are not written. A bucket of 300 s is written each 10 s.
        """
        rows: list[dict[str, Any]] = []
        for policy, at in sorted(self._dirty[1]):
            if at >= now - SECONDS_KEPT_S:
                names = self._ones[policy].get(at, {})
                kept = {"*": names["*"]} if policy in totals_only and "*" in names else names
                rows += [sums.row(source, policy, 1, at, name) for name, sums in kept.items()]
        for policy, at in sorted(self._dirty[10]):
            names = self._tens[policy][at] = _sum(self._ones[policy], at, 10, 1)
            rows += [sums.row(source, policy, 10, at, name) for name, sums in names.items()]
        if settled // 10 != self._ten_written:
            for policy, at in sorted(self._dirty[300]):
                names = _sum(self._tens[policy], at, 300, 10)
                rows += [sums.row(source, policy, 300, at, name) for name, sums in names.items()]
        return rows

    def written(self, settled: int, since: float = math.inf) -> None:
        """Say that the rows are stored; forget what lies far before the settled second.

        Nothing from `since` on is forgotten: rows for that time may still come.
        """
        self._dirty[1].clear()
        self._dirty[10].clear()
        if settled // 10 != self._ten_written:
            self._dirty[300].clear()
            self._ten_written = settled // 10
        oldest = min(settled // 300 * 300 - KEPT_S, since // 300 * 300)
        for level in (self._ones, self._tens):
            for seconds in level.values():
                for at in [at for at in seconds if at < oldest]:
                    del seconds[at]


def _sum(smaller: Seconds, start: int, width: int, step: int) -> dict[str, Sums]:
    names: dict[str, Sums] = {}
    for at in range(start, start + width, step):
        for name, sums in smaller.get(at, {}).items():
            names.setdefault(name, Sums()).merge(sums)
    return names


def _same(old: dict[str, Sums] | None, new: dict[str, Sums]) -> bool:
    if old is None or old.keys() != new.keys():
        return False
    return all(_equal(old[name], new[name]) for name in new)


def _equal(one: Sums, other: Sums) -> bool:
    return all(getattr(one, number) == getattr(other, number) for number in SUMS)
