"""Admission, the textbook form: keep a missed result in the place of LRU's victim, or do not.

Reward: counterfactual by default (was the one that stayed asked for first?), known for both
actions from the recording; or immediate, the value of the hits until the next decision. A cache
that only admits or rejects against one victim is known to be weaker than one that ranks what it
holds; this form is here to be compared with, and because many expect it.

The counterfactual reward is Belady's preference, as learned from by Song et al., "HALP: Heuristic
aided learned preference eviction policy for YouTube content delivery network", NSDI 2023.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from engine.cache import history as memory
from engine.cache.base import Room
from engine.cache.features import BASE, NAMES, column_matrix
from engine.cache.history import History
from engine.cache.jit import compiled
from engine.errors import TrainingError
from engine.traces.trace import Requests
from engine.training import admission_core as core
from engine.training.admission_core import Stretch
from engine.training.item_rows import column_means, next_request
from engine.training.lifetime import lifetime
from engine.training.network import KEEP

if TYPE_CHECKING:
    from engine.training.admission_env import AdmissionEnv
    from engine.training.admission_vec import AdmissionVec

COUNTERFACTUAL, IMMEDIATE = "counterfactual", "immediate"
LONGEST = 2000
"""Decisions after which an episode is truncated."""
HORIZON = 2.0
"""Lifetimes within which a reuse counts in the counterfactual reward."""

_MOST_REQUESTS = 300_000
_NORMALISED_ON = 20_000
_OFF = 1e6


@dataclass(frozen=True, slots=True)
class Admissions:
    """What admission environments share.

    Args:
        stretch: the requests with all that a step needs.
        features: names of the observation's inputs.
        first: earliest request that an episode may start at.
    """

    stretch: Stretch
    features: tuple[str, ...]
    first: int


def make_vec(
    requests: Requests,
    room: Room,
    *,
    columns: tuple[str, ...] = (),
    weights: NDArray[np.float64] | None = None,
    seed: int = 0,
    slots: int = 64,
    reward: str = COUNTERFACTUAL,
) -> AdmissionVec:
    """The environment for stable-baselines3; arguments as `slot_rent.make_vec`.

    Args:
        requests: the training part alone.
        room: of the cache; it counts results.
        columns: of the trace, as features.
        weights: value of a hit at each request; None: all 1.
        seed: of the starts.
        slots: caches stepped at once.
        reward: counterfactual or immediate.

    Raises:
        TrainingError: the room counts bytes, no such column or reward, or the part is too short.
    """
    from engine.training.admission_vec import AdmissionVec

    return AdmissionVec(prepared(requests, room, columns, weights, reward), slots, seed)


def make_single(
    requests: Requests,
    room: Room,
    *,
    columns: tuple[str, ...] = (),
    weights: NDArray[np.float64] | None = None,
    reward: str = COUNTERFACTUAL,
    **_: Any,  # noqa: ANN401 - the arguments of make_vec
) -> AdmissionEnv:
    """The same as one `gymnasium` environment of one cache; seeded by its `reset`."""
    from engine.training.admission_env import AdmissionEnv

    return AdmissionEnv(prepared(requests, room, columns, weights, reward))


def prepared(
    requests: Requests,
    room: Room,
    columns: tuple[str, ...],
    weights: NDArray[np.float64] | None,
    reward: str,
) -> Admissions:
    """Compute every request's features once, and the normaliser from an LRU cache's decisions.

    Raises:
        TrainingError: as `make_vec`.
    """
    if room.by_bytes:
        raise TrainingError(
            "The admission environment counts results, not bytes; give a capacity in results, or "
            "take the environment slot-rent."
        )
    if reward not in (COUNTERFACTUAL, IMMEDIATE):
        raise TrainingError(f"There is no reward {reward!r}; give counterfactual or immediate.")
    life = lifetime(requests, room)
    kept = min(len(requests), _MOST_REQUESTS)
    worth = np.ones(len(requests)) if weights is None else np.asarray(weights, np.float64)
    rows = _rows(requests, room, columns, worth, life, kept)
    newest = requests.slice(len(requests) - kept, len(requests))
    names = (*NAMES, *columns)
    stretch = Stretch(
        key=np.ascontiguousarray(newest.key),
        again=next_request(newest),
        worth=worth[-kept:],
        rows=rows,
        mean=np.zeros(2 * len(names), np.float32),
        scale=np.ones(2 * len(names), np.float32),
        lifetime=life,
        horizon=HORIZON * life,
        capacity=room.capacity,
        immediate=reward == IMMEDIATE,
    )
    first = _first_full(stretch)
    mean, scale = _normaliser(stretch, requests.distinct, first)
    features = names + tuple(f"victim_{name}" for name in names)
    return Admissions(stretch._replace(mean=mean, scale=scale), features, first)


def _rows(
    requests: Requests,
    room: Room,
    columns: tuple[str, ...],
    worth: NDArray[np.float64],
    life: float,
    kept: int,
) -> NDArray[np.float32]:
    chosen = column_matrix(requests, columns)
    limit = memory.keys_remembered(room.capacity)
    history = memory.empty(requests.distinct, life, limit, column_means(chosen))
    rows = np.zeros((kept, BASE + len(columns)), np.float32)
    _fill(history, requests.key, requests.group, requests.size, worth, chosen, rows)
    return rows


@compiled
def _fill(
    history: History,
    key: NDArray[np.int32],
    group: NDArray[np.int32],
    size: NDArray[np.int64],
    worth: NDArray[np.float64],
    columns: NDArray[np.float32],
    rows: NDArray[np.float32],
) -> None:
    skipped = len(key) - len(rows)
    for now in range(len(key)):
        memory.note(history, key[now], group[now], size[now], worth[now], columns[now])
        if now >= skipped:
            memory.describe(history, key[now], now, rows[now - skipped])


def _first_full(stretch: Stretch) -> int:
    """The earliest request before which so many keys were asked for that the cache is full."""
    _, first_seen = np.unique(stretch.key, return_index=True)
    if len(first_seen) <= stretch.capacity:
        raise TrainingError(
            f"The training part asks for {len(first_seen)} different results, and the cache holds "
            f"{stretch.capacity}: it never has to choose; take a longer trace or a smaller cache."
        )
    first = max(int(np.sort(first_seen)[stretch.capacity]), len(stretch.key) // 10)
    if first >= len(stretch.key) - 1:
        raise TrainingError(
            f"The cache holds {stretch.capacity} results and is not full before the last request "
            f"of the training part, {len(stretch.key)}: take a longer trace or a smaller cache."
        )
    return first


def _normaliser(
    stretch: Stretch, keys: int, first: int
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    caches = core.new_caches(1, keys)
    core.begin(caches, stretch, 0, first)
    seen = np.zeros((_NORMALISED_ON, 2 * stretch.rows.shape[1]), np.float32)
    count = _collect(caches, stretch, seen)
    found = seen[:count].astype(np.float64)
    mean, scale = found.mean(0), found.std(0) + 1e-3
    scale[scale < 2e-3] = _OFF
    return mean.astype(np.float32), scale.astype(np.float32)


def _collect(caches: core.Caches, stretch: Stretch, seen: NDArray[np.float32]) -> int:
    """Observations of a cache that keeps everything; returns how many."""
    keep = np.full(1, KEEP, np.int64)
    for count in range(len(seen)):
        core.observe(caches, stretch, 0, seen[count])
        if core.step(caches, stretch, keep, len(seen) + 1).truncated[0]:
            return count + 1
    return len(seen)
