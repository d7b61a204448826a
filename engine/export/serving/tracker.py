"""What is remembered of keys and endpoints, counted request by request, and read as features.

The same figures as Cachescope's compiled history, which the policy was trained on: a golden replay
holds one to the other.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.export.serving.tables import (
    GROUPS,
    Tables,
    bins_of,
    counters_class,
    group_class,
    group_classes,
    recency_class,
)

BASE = 24
"""Features of every policy; chosen columns follow them."""
PRICE = 21
"""The feature to which rents are added."""

_COUNT, _GAP, _RATE, _SIZE, _WORTH, _PRICE, _LONG_RUN, _FACTS = 0, 1, 5, 9, 10, 11, 12, 13
_OWN = 0.25
_NO_GAP = 8.0
_GROUP_STEP = 0.002
_WORTH_STEP = 0.3
_MORE = 1024


class Tracker:
    """Features of keys, online, of the last `limit` keys asked for and those that are held.

    Args:
        lifetime: of the cache, in requests (`metadata.json`, cache.lifetime).
        limit: keys remembered at most, held ones apart.
        fill: what stands for a missing value of each chosen column.
    """

    def __init__(self, lifetime: float, limit: int, fill: Sequence[float] = ()) -> None:
        self.tables = Tables(lifetime)
        self.now = 0
        self._lifetime, self._log_lifetime = float(lifetime), float(np.log2(lifetime))
        self._limit = limit
        self._fill = np.array(fill, np.float32)
        self._slots: OrderedDict[Hashable, int] = OrderedDict()  # the least recent first
        self._free: list[int] = []
        self._held: set[Hashable] = set()
        self._groups: dict[Hashable, int] = {}
        self._means = np.tile([10.0, 0.5, 0.0], (GROUPS, 1))  # gap, reuse, last request
        self._facts = np.zeros((0, _FACTS), np.float32)
        self._columns = np.zeros((0, len(self._fill)), np.float32)
        self._first = self._last = self._group = np.zeros(0, np.int64)
        self._classes = np.zeros((0, 2), np.int64)
        self._grow(_MORE)

    def __contains__(self, key: Hashable) -> bool:
        return key in self._slots

    def __len__(self) -> int:
        return len(self._slots)

    def hold(self, key: Hashable) -> None:
        """Say that the cache holds a key, so that it is not forgotten."""
        self._held.add(key)

    def release(self, key: Hashable) -> None:
        """Say that the cache holds a key no longer."""
        self._held.discard(key)

    def note(
        self,
        key: Hashable,
        group: Hashable = "",
        size: float = 1.0,
        worth: float = 1.0,
        columns: Sequence[float] = (),
    ) -> None:
        """Take in the next request.

        Args:
            key: of the result.
            group: its endpoint.
            size: bytes of the result.
            worth: what a hit is worth over the space it takes, 1 on average.
            columns: values of the chosen columns; NaN where nothing is known.
        """
        number = self._number(group)
        at = self._slots.get(key)
        if at is None:
            at = self._meet(key, number, size, worth)
        else:
            self._meet_again(at, number, worth)
            self._slots.move_to_end(key)
        self._forget()
        facts = self._facts[at]
        facts[_COUNT] += 1
        facts[_RATE : _RATE + 4] += 1
        facts[_PRICE] = 0.0 - np.log2(float(facts[_WORTH]))
        facts[_LONG_RUN] = np.log2(float(facts[_RATE + 3]))
        if len(self._fill):
            given = np.asarray(columns, np.float32)
            self._columns[at] = np.where(np.isnan(given), self._fill, given)
        self._classes[at, 0] = recency_class(float(facts[_GAP]), float(facts[_COUNT]))
        self._classes[at, 1] = counters_class(float(facts[_RATE + 1]), float(facts[_RATE + 3]))
        self._group[at] = number
        self._last[at] = self.now
        self._means[number, 2] = self.now
        if self.now % self.tables.every == 0:
            self.tables.refresh()
        self.now += 1

    def rows(self, keys: Sequence[Hashable], now: int | None = None) -> NDArray[np.float32]:
        """Features float32[n, d] of remembered keys at request `now` (default: the last one).

        Raises:
            KeyError: a key is not remembered.
        """
        at = np.array([self._slots[key] for key in keys], np.int64)
        moment = self.now - 1 if now is None else now
        facts, tables = self._facts[at], self.tables
        age = (moment - self._last[at]).astype(np.float64)
        group, short, long = self._group[at], self._classes[at, 0], self._classes[at, 1]
        grouped, bins = group_classes(group, facts[:, _COUNT]), bins_of(age)
        row = np.empty((len(at), BASE + len(self._fill)), np.float32)
        row[:, 0] = np.log2(1.0 + age) - self._log_lifetime
        row[:, 1:5] = facts[:, _GAP : _GAP + 4]
        row[:, 5] = np.log2(facts[:, _COUNT].astype(np.float64))
        row[:, 6] = np.log2(1.0 + moment - self._first[at]) - self._log_lifetime
        row[:, 7:11] = facts[:, _RATE : _RATE + 4] * _fading(age / self._lifetime)
        row[:, 7:11] = np.log2(0.01 + row[:, 7:11].astype(np.float64))
        row[:, 11] = facts[:, _SIZE]
        row[:, 12] = row[:, 6] - row[:, 5]
        row[:, 13] = self._means[group, 0] - self._log_lifetime
        row[:, 14] = self._means[group, 1]
        row[:, 15] = 0.0
        row[:, 16], row[:, 17] = tables.index[short, bins], tables.soon[short, bins]
        row[:, 18], row[:, 19] = tables.index[grouped, bins], tables.soon[grouped, bins]
        row[:, 20] = np.log2(1.0 + moment - self._means[group, 2]) - self._log_lifetime
        row[:, PRICE] = facts[:, _PRICE]
        row[:, 22], row[:, 23] = tables.index[long, bins], tables.soon[long, bins]
        row[:, BASE:] = self._columns[at]
        return row

    def index(self, keys: Sequence[Hashable]) -> NDArray[np.float64]:
        """The reuse index drawn to a key's own rate, less its price: of n keys, float64[n].

        Raises:
            KeyError: a key is not remembered.
        """
        at = np.array([self._slots[key] for key in keys], np.int64)
        age = (self.now - 1 - self._last[at]).astype(np.float64)
        bins, index, facts = bins_of(age), self.tables.index, self._facts[at].astype(np.float64)
        total = index[self._classes[at, 0], bins] + index[self._classes[at, 1], bins]
        rate = facts[:, _LONG_RUN] - age / (16.0 * self._lifetime)
        drawn = (1.0 - _OWN) * (total.astype(np.float64) / 2.0) + _OWN * rate
        return np.asarray(drawn - facts[:, _PRICE], np.float64)

    def _number(self, group: Hashable) -> int:
        number = self._groups.get(group)
        if number is None:
            number = len(self._groups)
            if number >= GROUPS - 1:
                return GROUPS - 1
            self._groups[group] = number
        return number

    def _meet(self, key: Hashable, group: int, size: float, worth: float) -> int:
        if not self._free:
            self._grow(len(self._last))
        at = self._slots[key] = self._free.pop()
        self._first[at] = self.now
        facts = self._facts[at]
        facts[:] = 0
        facts[_GAP : _GAP + 4] = _NO_GAP
        facts[_SIZE] = np.log2(size)
        facts[_WORTH] = worth
        self._means[group, 1] *= 1.0 - _GROUP_STEP
        return at

    def _meet_again(self, at: int, group: int, worth: float) -> None:
        facts, gap = self._facts[at], float(self.now - self._last[at])
        self._count(self.tables.reused, at, gap)
        facts[_GAP + 1 : _GAP + 4] = facts[_GAP : _GAP + 3].copy()
        log_gap = float(np.log2(1.0 + gap))
        facts[_GAP] = log_gap - self._log_lifetime
        facts[_RATE : _RATE + 4] *= _fading(np.array([gap / self._lifetime]))[0]
        means = self._means[group]
        means[1] += _GROUP_STEP * (1.0 - means[1])
        means[0] += _GROUP_STEP * (log_gap - means[0])
        before = float(facts[_WORTH])
        facts[_WORTH] = before + _WORTH_STEP * (worth - before)

    def _count(self, counts: NDArray[np.float64], at: int, age: float) -> None:
        bin_ = int(bins_of(np.array([age]))[0])
        grouped = group_class(int(self._group[at]), float(self._facts[at, _COUNT]))
        for row in (int(self._classes[at, 0]), int(self._classes[at, 1]), grouped):
            counts[row, bin_] += 1

    def _forget(self) -> None:
        """Forget the least recent key above the limit; a few held ones may stand before it."""
        for _ in range(4):
            if len(self._slots) <= self._limit:
                return
            key, at = next(iter(self._slots.items()))
            if key in self._held:
                self._slots.move_to_end(key)
                continue
            self._count(self.tables.left, at, float(self.now - self._last[at]))
            del self._slots[key]
            self._free.append(at)

    def _grow(self, more: int) -> None:
        have = len(self._last)
        self._free.extend(range(have + more - 1, have - 1, -1))
        self._facts = _longer(self._facts, more)
        self._columns = _longer(self._columns, more)
        self._first, self._last = _longer(self._first, more), _longer(self._last, more)
        self._group, self._classes = _longer(self._group, more), _longer(self._classes, more)


def _longer(array: NDArray[Any], more: int) -> NDArray[Any]:
    return np.concatenate([array, np.zeros((more, *array.shape[1:]), array.dtype)])


def _fading(ages: NDArray[np.float64]) -> NDArray[np.float64]:
    """What is left of four decayed counts after so many lifetimes; half-lives 1/4, 1, 4 and 16."""
    faded = np.empty((len(ages), 4))
    faded[:, 3] = 2.0 ** (-ages / 16.0)
    for at in (2, 1, 0):
        square = faded[:, at + 1] * faded[:, at + 1]
        faded[:, at] = square * square
    return faded
