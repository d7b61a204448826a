"""The training part as rows: what a cache would know of an item at each check of its age.

An item's features depend on the stream of requests alone, not on what is cached; so one compiled
pass computes all of them once, and stepping an environment is looking up a row.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine.cache import history as memory
from engine.cache.base import Room
from engine.cache.features import BASE, CANDIDATE, NAMES, RENT, column_matrix
from engine.cache.history import History
from engine.cache.jit import compiled, settled
from engine.errors import TrainingError
from engine.traces.trace import Requests
from engine.training.lifetime import lifetime

CHECKS = (0.0, 0.125, 0.25, 0.5, 1.0, 2.0, 4.0, 8.0)
"""Ages, in lifetimes, at which an item is judged again."""
RENTS = (0.05, 1.5)
"""Lowest and highest rent of an episode, in hits per lifetime."""

_MOST_ROWS = 60_000
_SKIPPED = 0.1
_OFF = 1e6
_SETTLED = 5
_START_BEFORE = 2
_SAMPLE_SEED = 5


@dataclass(frozen=True, slots=True)
class ItemRows:
    """Sampled requests of the training part with their features at every check.

    Args:
        rows: features not normalised, float32[r, len(CHECKS), d].
        at: number of the request behind a row, int64[r].
        again: number of the key's next request, or `requests` where none comes, int64[r].
        row_of: row of a request, -1 where it was not sampled, int64[requests].
        starts: rows that an episode may start from, int64[s].
        ages: of the checks, in requests, int64[len(CHECKS)].
        worth: value over space of a hit at each request, float64[requests].
        features: names of the d inputs.
        mean: of the features over the training part, float32[d].
        scale: likewise; enormous for a feature that never varies.
        lifetime: of the cache, in requests.
    """

    rows: NDArray[np.float32]
    at: NDArray[np.int64]
    again: NDArray[np.int64]
    row_of: NDArray[np.int64]
    starts: NDArray[np.int64]
    ages: NDArray[np.int64]
    worth: NDArray[np.float64]
    features: tuple[str, ...]
    mean: NDArray[np.float32]
    scale: NDArray[np.float32]
    lifetime: float


def item_rows(
    requests: Requests,
    room: Room,
    columns: tuple[str, ...] = (),
    weights: NDArray[np.float64] | None = None,
) -> ItemRows:
    """Prepare the training part `requests`; arguments as `slot_rent.make_vec`.

    Raises:
        TrainingError: a column is not in the trace, or the part is too short for this cache.
    """
    life = lifetime(requests, room)
    ages = _ages(life)
    sampled = _sampled(requests)
    starts = np.flatnonzero(sampled < len(requests) - ages[_START_BEFORE])
    if not len(starts):
        raise TrainingError(
            f"A training part of {len(requests)} requests is too short for a cache that holds a "
            f"result for about {life:.0f}; take a longer trace or a smaller cache."
        )
    row_of = np.full(len(requests), -1, np.int64)
    row_of[sampled] = np.arange(len(sampled))
    chosen = column_matrix(requests, columns)
    fill = column_means(chosen)
    worth = settled(np.ones(len(requests)) if weights is None else weights, np.float64)
    rows = np.zeros((len(sampled), len(ages), BASE + len(columns)), np.float32)
    places = room.capacity / (float(requests.size.mean()) if room.by_bytes else 1.0)
    history = memory.empty(requests.distinct, life, memory.keys_remembered(places), fill)
    _fill(
        history,
        settled(requests.key, np.int32),
        settled(requests.group, np.int32),
        settled(requests.size, np.int64),
        worth,
        settled(chosen, np.float32),
        ages,
        row_of,
        rows,
    )
    mean, scale = _normaliser(rows, fill)
    again = next_request(requests)[sampled]
    names = (*NAMES, *columns)
    return ItemRows(rows, sampled, again, row_of, starts, ages, worth, names, mean, scale, life)


def column_means(matrix: NDArray[np.float32]) -> NDArray[np.float32]:
    """Each column's mean over the rows that have a value; 0 where none has."""
    known = np.isfinite(matrix)
    total = np.where(known, matrix, 0).sum(0, dtype=np.float64)
    return np.asarray(total / np.maximum(known.sum(0), 1), np.float32)


def next_request(requests: Requests) -> NDArray[np.int64]:
    """The number of the next request for the same key, `len(requests)` where none comes."""
    n = len(requests)
    order = np.argsort(requests.key, kind="stable")
    again = np.full(n, n, np.int64)
    same = requests.key[order[1:]] == requests.key[order[:-1]]
    again[order[:-1][same]] = order[1:][same]
    return again


def _ages(life: float) -> NDArray[np.int64]:
    """The checks in requests, each at least one later than the one before."""
    ages = np.round(np.array(CHECKS) * life).astype(np.int64)
    steps = np.arange(len(ages))
    return np.asarray(np.maximum.accumulate(ages - steps) + steps, np.int64)


def _sampled(requests: Requests) -> NDArray[np.int64]:
    """Requests of a random subset of keys, without the first tenth: the tables fill there."""
    n = len(requests)
    share = min(1.0, _MOST_ROWS / n)
    chosen = np.random.default_rng(_SAMPLE_SEED).random(requests.distinct) < share
    late = np.arange(n) >= int(n * _SKIPPED)
    return np.flatnonzero(chosen[requests.key] & late)


def _normaliser(
    rows: NDArray[np.float32], fill: NDArray[np.float32]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    early = rows[:, :_SETTLED]
    seen = early[(early != 0).any(2)].astype(np.float64)
    mean, scale = seen.mean(0), seen.std(0) + 1e-3
    rents = np.log2(RENTS)
    mean[RENT], scale[RENT] = rents.mean(), max(0.3, rents.std())
    mean[BASE:] = fill
    scale[scale < 2e-3] = _OFF
    scale[CANDIDATE] = _OFF
    return mean.astype(np.float32), scale.astype(np.float32)


@compiled
def _fill(
    history: History,
    key: NDArray[np.int32],
    group: NDArray[np.int32],
    size: NDArray[np.int64],
    worth: NDArray[np.float64],
    columns: NDArray[np.float32],
    ages: NDArray[np.int64],
    row_of: NDArray[np.int64],
    rows: NDArray[np.float32],
) -> None:
    for now in range(len(key)):
        memory.note(history, key[now], group[now], size[now], worth[now], columns[now])
        for check in range(len(ages)):
            then = now - ages[check]
            if then >= 0 and row_of[then] >= 0 and memory.knows(history, key[then], then):
                memory.describe(history, key[then], now, rows[row_of[then], check])
