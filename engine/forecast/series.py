"""From rollups to the series that forecasters see, read a little at a time."""

from __future__ import annotations

import itertools
import math
from collections import defaultdict
from typing import NamedTuple

import numpy as np
from sqlalchemy import Engine, select

from db.queries.traffic import RECORDED
from db.session import reading
from db.tables import rollups
from engine.forecast.base import Array, Series
from engine.records import OTHER, TOTAL

MOST_ENDPOINTS = 50
KEPT_S = 7200
"""Seconds of history that the series covers at most: as long as rollups of 1 s are kept."""

SILENCE_S = 60.0
"""A recorder that wrote nothing for this long was off; what lies before tells nothing of after."""

_REREAD_S = 15
"""Rollups this young may still change."""


class Cell(NamedTuple):
    """One endpoint in one interval."""

    requests: int
    misses: int
    miss_ms: float
    load_ms: float


_EMPTY = Cell(0, 0, 0.0, 0.0)


class SeriesBook:
    """Keeps the intervals of one source in memory; each refresh reads only what is new."""

    def __init__(
        self, store: Engine, source: int, interval_s: int, *, cut_silence: bool = True
    ) -> None:
        self._store = store
        self._source = source
        self.interval_s = interval_s
        self._cut_silence = cut_silence
        self._width = next((w for w in (300, 10) if interval_s % w == 0), 1)
        self._kept_s = KEPT_S if self._width == 1 else 600 * interval_s
        self._cells: dict[int, dict[str, Cell]] = {}
        self._read_to: float | None = None

    def refresh(self, watermark: float) -> None:
        """Read the rollups up to `watermark`; database errors pass through."""
        oldest = watermark - self._kept_s
        start = oldest if self._read_to is None else max(oldest, self._read_to - _REREAD_S)
        first = math.floor(start / self.interval_s) * self.interval_s
        table = rollups
        query = select(
            table.c.at,
            table.c.cache_name,
            table.c.requests,
            table.c.hits,
            table.c.miss_load_time_ms,
            table.c.load_time_ms,
        ).where(
            table.c.source == self._source,
            table.c.policy == RECORDED,
            table.c.width == self._width,
            table.c.at >= first,
            table.c.at < watermark,
        )
        fresh: dict[int, dict[str, Cell]] = defaultdict(dict)
        with reading(self._store) as connection:
            for at, name, requests, hits, miss_ms, load_ms in connection.execute(query):
                cells = fresh[int(at) // self.interval_s]
                old = cells.get(name, _EMPTY)
                cells[name] = Cell(
                    old.requests + requests,
                    old.misses + requests - hits,
                    old.miss_ms + miss_ms,
                    old.load_ms + load_ms,
                )
        self._cells.update(fresh)
        self._read_to = watermark
        for key in [key for key in self._cells if key * self.interval_s < oldest]:
            del self._cells[key]

    def series(self, watermark: float) -> Series:
        """All whole intervals up to `watermark`: the top endpoints by load time, and the rest."""
        end = math.floor(watermark / self.interval_s)
        start = self._start(end)
        keys = range(start, end)
        names = self._names(keys)
        chosen, pooled = names[:MOST_ENDPOINTS], set(names[MOST_ENDPOINTS:])
        columns = (*chosen, OTHER) if pooled else tuple(chosen)
        index = {name: number for number, name in enumerate(columns)}
        index.update(dict.fromkeys(pooled, len(columns) - 1))
        shape = (len(keys), len(columns))
        demand, misses, miss_ms = np.zeros(shape), np.zeros(shape), np.zeros(shape)
        for row, key in enumerate(keys):
            for name, cell in self._cells.get(key, {}).items():
                if name == TOTAL or not cell.requests:
                    continue
                column = index[name]
                demand[row, column] += cell.requests
                misses[row, column] += cell.misses
                miss_ms[row, column] += cell.miss_ms
        load = _carried(misses, miss_ms)
        return Series(columns, demand, load, float(self.interval_s), float(end * self.interval_s))

    def _start(self, end: int) -> int:
        """The first interval after the last silence."""
        known = sorted(key for key in self._cells if key < end)
        if not known:
            return end
        start = known[0]
        # The oldest interval is only whole when rows lie before it too.
        start = min(start + 1, end)
        if self._cut_silence:
            longest = max(SILENCE_S / self.interval_s, 6)
            for before, after in itertools.pairwise(known):
                if after - before > longest:
                    start = after + 1
        return min(start, end)

    def _names(self, keys: range) -> list[str]:
        load_ms: dict[str, float] = defaultdict(float)
        for key in keys:
            for name, cell in self._cells.get(key, {}).items():
                if name != TOTAL and cell.requests:
                    load_ms[name] += cell.load_ms
        return sorted(load_ms, key=lambda name: (-load_ms[name], name))


def _carried(misses: Array, miss_ms: Array) -> Array:
    """Mean load time of misses; the last known where nothing missed, 0 before the first."""
    length, width = misses.shape
    load: Array = np.divide(miss_ms, misses, out=np.full((length, width), np.nan), where=misses > 0)
    for column in range(width):
        known = np.flatnonzero(~np.isnan(load[:, column]))
        place = np.searchsorted(known, np.arange(length), side="right") - 1
        if len(known):
            load[:, column] = np.where(place < 0, 0.0, load[known[np.maximum(place, 0)], column])
        else:
            load[:, column] = 0.0
    return load
