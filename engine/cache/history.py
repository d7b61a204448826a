"""What is remembered of keys and endpoints, counted request by request, and read as features.

Compiled; the features themselves are listed in `engine.cache.features`. Only the keys that were
asked for last are remembered, and those that a cache holds.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from engine.cache import hazard, regression
from engine.cache.features import BASE
from engine.cache.hazard import Hazard
from engine.cache.jit import apart, compiled, helper
from engine.cache.regression import Regression

_FIRST, LAST = 0, 1
"""Places of a key's stamps."""
COUNT, GAP, _RATE, _SIZE, _WORTH, PRICE, LONG_RUN, _FACTS = 0, 1, 5, 9, 10, 11, 12, 13
"""Places of a key's facts; of gaps and rates there are four."""
_GROUP_GAP, _GROUP_REUSE, _GROUP_LAST = 0, 1, 2
_NOW, _KNOWN = 0, 1
_NO_GAP = 8.0
_GROUP_STEP = 0.002
_LN_2 = math.log(2.0)
_WORTH_STEP = 0.3
_FEWEST_KEYS = 4096
OWN = 0.25
"""Weight of a key's own rate beside what its classes lend it."""
SLOWEST = 16.0
"""Half-life of a key's slowest rate, in lifetimes."""
PER_LIFETIME = math.log2(_LN_2 / SLOWEST)
"""From that rate to hits a lifetime, as a log2 to add."""


class History(NamedTuple):
    """What is remembered of keys and endpoints; fields are arrays, so that compiled code shares it.

    Args:
        stamps: request numbers of a key's first (-1: not remembered) and last, int64[U, 2].
        facts: count, log gaps, rates, log size, worth, price, log of the slowest rate at the last
            request of a key, float32[U, 13].
        columns: chosen columns at the key's last request, float32[U, c].
        fill: what stands for a column's missing value, float32[c].
        classes: a key's rows of the first two hazard tables, int32[U, 2].
        group: a key's endpoint, below hazard.GROUPS, int32[U].
        held: caches that hold the key now; it is then not forgotten, uint8[U].
        newer: with `older` a ring of keys by recency around the mark U, int32[U + 1].
        older: see `newer`.
        groups: running means and last request of an endpoint, float64[GROUPS, 3].
        clock: requests seen, keys remembered, int64[2].
        tables: reuse hazards.
        reuse: what was learned of candidates.
        lifetime: of the cache, in requests.
        limit: keys remembered at most (keys held apart).
        every: requests between two refreshes of the tables.
        decay: of the tables' counts at a refresh.
    """

    stamps: NDArray[np.int64]
    facts: NDArray[np.float32]
    columns: NDArray[np.float32]
    fill: NDArray[np.float32]
    classes: NDArray[np.int32]
    group: NDArray[np.int32]
    held: NDArray[np.uint8]
    newer: NDArray[np.int32]
    older: NDArray[np.int32]
    groups: NDArray[np.float64]
    clock: NDArray[np.int64]
    tables: Hazard
    reuse: Regression
    lifetime: float
    limit: int
    every: int
    decay: float


def keys_remembered(places: float, multiple: int = 8) -> int:
    """How many keys to remember for a cache of so many places: a multiple, at least 4096."""
    return max(_FEWEST_KEYS, int(multiple * places))


def empty(
    distinct: int, lifetime: float, limit: int, fill: NDArray[np.float32] | None = None
) -> History:
    """A history that has seen nothing, for keys 0 to distinct - 1.

    Args:
        distinct: number of keys.
        lifetime: of the cache, in requests.
        limit: keys remembered at most.
        fill: what stands for a missing value of each chosen column; None without columns.
    """
    fill = np.zeros(0, np.float32) if fill is None else np.array(fill, np.float32)
    groups = np.zeros((hazard.GROUPS, 3))
    groups[:, _GROUP_GAP], groups[:, _GROUP_REUSE] = 10.0, 0.5
    every = max(500, int(lifetime / 2))
    return History(
        stamps=np.full((distinct, 2), -1, np.int64),
        facts=np.zeros((distinct, _FACTS), np.float32),
        columns=np.zeros((distinct, len(fill)), np.float32),
        fill=fill,
        classes=np.zeros((distinct, 2), np.int32),
        group=np.zeros(distinct, np.int32),
        held=np.zeros(distinct, np.uint8),
        newer=np.full(distinct + 1, distinct, np.int32),
        older=np.full(distinct + 1, distinct, np.int32),
        groups=groups,
        clock=np.zeros(2, np.int64),
        tables=hazard.empty(lifetime),
        reuse=regression.empty(OWN),
        lifetime=float(lifetime),
        limit=int(limit),
        every=every,
        decay=0.5 ** (every / max(20_000.0, 20 * lifetime)),
    )


@apart
def note(
    history: History, key: int, group: int, size: int, worth: float, columns: NDArray[np.float32]
) -> None:
    """Take in the next request; `worth` is `HitValue.density`, `columns` its chosen columns."""
    now = history.clock[_NOW]
    group = min(group, hazard.GROUPS - 1)
    facts = history.facts[key]
    if history.stamps[key, _FIRST] < 0:
        _meet(history, key, group, size, worth)
    else:
        _meet_again(history, key, group)
        facts[_WORTH] += _WORTH_STEP * (worth - facts[_WORTH])
    _to_front(history, key)
    _forget(history, now)
    regression.learn(history.reuse, history.stamps, history.lifetime, now)
    facts[COUNT] += 1
    for at in range(_RATE, _RATE + 4):
        facts[at] += 1
    facts[PRICE] = 0.0 - math.log2(facts[_WORTH])
    facts[LONG_RUN] = math.log2(facts[_RATE + 3])
    for column in range(len(history.fill)):
        value = columns[column]
        history.columns[key, column] = history.fill[column] if np.isnan(value) else value
    history.classes[key, 0] = hazard.recency_class(facts[GAP], facts[COUNT])
    history.classes[key, 1] = hazard.counters_class(facts[_RATE + 1], facts[_RATE + 3])
    history.group[key] = group
    history.stamps[key, LAST] = now
    history.groups[group, _GROUP_LAST] = now
    if now % history.every == 0:
        hazard.refresh(history.tables, history.lifetime, history.decay)
    history.clock[_NOW] = now + 1


@apart
def _meet(history: History, key: int, group: int, size: int, worth: float) -> None:
    facts = history.facts[key]
    history.stamps[key, _FIRST] = history.clock[_NOW]
    for at in range(_FACTS):
        facts[at] = _NO_GAP if GAP <= at < GAP + 4 else 0.0
    facts[_SIZE] = math.log2(size)
    facts[_WORTH] = worth
    history.groups[group, _GROUP_REUSE] *= 1.0 - _GROUP_STEP
    history.clock[_KNOWN] += 1


@apart
def _meet_again(history: History, key: int, group: int) -> None:
    facts = history.facts[key]
    gap = float(history.clock[_NOW] - history.stamps[key, LAST])
    _count(history, history.tables.reused, key, gap)
    for at in range(3, 0, -1):
        facts[GAP + at] = facts[GAP + at - 1]
    log_gap = math.log2(1.0 + gap)
    facts[GAP] = log_gap - math.log2(history.lifetime)
    _decay_rates(facts, gap / history.lifetime, facts, _RATE)
    means = history.groups[group]
    means[_GROUP_REUSE] += _GROUP_STEP * (1.0 - means[_GROUP_REUSE])
    means[_GROUP_GAP] += _GROUP_STEP * (log_gap - means[_GROUP_GAP])
    older, newer = history.older[key], history.newer[key]
    history.newer[older] = newer
    history.older[newer] = older


@helper
def _decay_rates(
    facts: NDArray[np.float32], age: float, out: NDArray[np.float32], first: int
) -> None:
    """The four rates `age` lifetimes later; half-lives 1/4, 1, 4 and 16 lifetimes."""
    faded = math.exp(-_LN_2 / SLOWEST * age)
    for at in range(3, -1, -1):
        out[first + at] = facts[_RATE + at] * faded
        faded = (faded * faded) * (faded * faded)


@apart
def _count(history: History, counts: NDArray[np.float64], key: int, age: float) -> None:
    at = hazard.bin_of(age)
    counts[history.classes[key, 0], at] += 1
    counts[history.classes[key, 1], at] += 1
    counts[hazard.group_class(history.group[key], history.facts[key, COUNT]), at] += 1


@helper
def _to_front(history: History, key: int) -> None:
    mark = len(history.group)
    front = history.older[mark]
    history.older[mark] = key
    history.newer[key] = mark
    history.older[key] = front
    history.newer[front] = key


@apart
def _forget(history: History, now: int) -> None:
    """Forget the least recent key above the limit; a few held ones may stand before it."""
    mark = len(history.group)
    for _ in range(4):
        if history.clock[_KNOWN] <= history.limit:
            return
        key = history.newer[mark]
        newer = history.newer[key]
        history.newer[mark] = newer
        history.older[newer] = mark
        if history.held[key]:
            _to_front(history, key)
            continue
        _count(history, history.tables.left, key, float(now - history.stamps[key, LAST]))
        history.stamps[key, _FIRST] = -1
        history.clock[_KNOWN] -= 1


@compiled
def describe(history: History, key: int, now: int, row: NDArray[np.float32]) -> None:
    """Write the features of a remembered key at request `now` into `row`, float32[BASE + c]."""
    describe_key(history, key, now, row)


@helper
def describe_key(history: History, key: int, now: int, row: NDArray[np.float32]) -> None:
    """`describe` for compiled code."""
    facts, tables, log_lifetime = history.facts[key], history.tables, math.log2(history.lifetime)
    age = float(now - history.stamps[key, LAST])
    known = 1.0 + now - history.stamps[key, _FIRST]
    group = history.group[key]
    row[0] = math.log2(1.0 + age) - log_lifetime
    for gap in range(4):
        row[1 + gap] = facts[GAP + gap]
    row[5] = math.log2(facts[COUNT])
    row[6] = math.log2(known) - log_lifetime
    _decay_rates(facts, age / history.lifetime, row, 7)
    for at in range(7, 11):
        row[at] = math.log2(0.01 + row[at])
    row[11] = facts[_SIZE]
    row[12] = row[6] - row[5]
    row[13] = history.groups[group, _GROUP_GAP] - log_lifetime
    row[14] = history.groups[group, _GROUP_REUSE]
    row[15] = 0.0
    at = hazard.bin_of(age)
    row[16] = tables.gittins[history.classes[key, 0], at]
    row[17] = tables.soon[history.classes[key, 0], at]
    grouped = hazard.group_class(group, facts[COUNT])
    row[18] = tables.gittins[grouped, at]
    row[19] = tables.soon[grouped, at]
    row[20] = math.log2(1.0 + now - history.groups[group, _GROUP_LAST]) - log_lifetime
    row[21] = facts[PRICE]
    row[22] = tables.gittins[history.classes[key, 1], at]
    row[23] = tables.soon[history.classes[key, 1], at]
    for column in range(len(history.fill)):
        row[BASE + column] = history.columns[key, column]


def requests_seen(history: History) -> int:
    """How many requests it took in."""
    return int(history.clock[_NOW])


def last_requests(history: History, keys: NDArray[np.int64]) -> NDArray[np.int64]:
    """The number of each key's last request, -1 where it is not remembered, int64[n]."""
    stamps = history.stamps[keys]
    return np.where(stamps[:, _FIRST] < 0, -1, stamps[:, LAST])


@helper
def now_of(history: History) -> int:
    """The number of the next request."""
    return int(history.clock[_NOW])


@helper
def knows(history: History, key: int, last: int) -> bool:
    """Whether the key is remembered and its last request was number `last`."""
    return bool(history.stamps[key, LAST] == last and history.stamps[key, _FIRST] >= 0)
