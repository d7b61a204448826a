"""Slot rent: one item in one place of a cache; keep it and pay rent, or evict it.

Keeping earns the value of a hit when the item is asked for again, and costs rent for the time
held; the next look at the item comes at its reuse or at the next check of its age. Evicting ends
the episode. The rent is an input, so that one agent covers all margins. It is the Lagrangian
relaxation of "at most C items at once", which makes the rent at which the agent is indifferent an
index to rank items by: Whittle, "Restless bandits: activity allocation in a changing world",
J. Applied Probability 25A (1988).

Where results differ in size or worth, time is paid per space, and reward and rent are counted in
units of what the item was worth when the episode began.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from engine.cache.base import Room
from engine.cache.features import RENT
from engine.cache.jit import compiled
from engine.traces.trace import Requests
from engine.training.item_rows import CHECKS, RENTS, ItemRows, item_rows
from engine.training.network import CLIP, KEEP

if TYPE_CHECKING:
    from engine.training.slot_env import SlotRentEnv
    from engine.training.slot_vec import SlotRentVec

LONGEST = 60
"""Steps after which an episode is truncated."""

_LOG_RENTS = (math.log(RENTS[0]), math.log(RENTS[1]))
_MOST_WORTH = 8.0
_LAST = len(CHECKS) - 1


class Places(NamedTuple):
    """Where n places of a cache stand, each in an episode of its own.

    Args:
        row: of `ItemRows`, int64[n].
        check: which check of the item's age, int64[n].
        rent: in hits per lifetime, in units of the item's worth at the start, float64[n].
        shift: what is added to the row's price to give the rent as its feature, float32[n].
        unit: worth of a hit at the start, float64[n].
        steps: taken in this episode, int64[n].
    """

    row: NDArray[np.int64]
    check: NDArray[np.int64]
    rent: NDArray[np.float64]
    shift: NDArray[np.float32]
    unit: NDArray[np.float64]
    steps: NDArray[np.int64]


def places(count: int) -> Places:
    """So many places, not yet started."""
    return Places(
        np.zeros(count, np.int64),
        np.zeros(count, np.int64),
        np.ones(count),
        np.zeros(count, np.float32),
        np.ones(count),
        np.zeros(count, np.int64),
    )


class Outcome(NamedTuple):
    """What a step came to, one entry a place: reward, end by the agent or by its limit."""

    reward: NDArray[np.float32]
    ended: NDArray[np.bool_]
    truncated: NDArray[np.bool_]


def draw_starts(
    items: ItemRows, rng: np.random.Generator, count: int
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
    """Rows, checks and rents to start from: anywhere, so that rare states are met too."""
    row = items.starts[rng.integers(len(items.starts), size=count)]
    check = rng.integers(_LAST, size=count)
    rent = np.exp(rng.uniform(*_LOG_RENTS, count))
    reused = items.again[row] <= items.at[row] + items.ages[check]
    late = items.at[row] + items.ages[check + 1] >= len(items.row_of)
    check[reused | late] = 0
    return row, check, rent


def begin(
    state: Places,
    items: ItemRows,
    where: NDArray[np.intp],
    starts: tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]],
) -> None:
    """Start new episodes in the places `where`."""
    _begin(state, where, *starts, items.rows, items.at, items.worth)


def advance(state: Places, items: ItemRows, actions: NDArray[np.int64]) -> Outcome:
    """Step every place; ended ones stand at their last state until `begin`."""
    count = len(state.row)
    outcome = Outcome(
        np.zeros(count, np.float32), np.zeros(count, np.bool_), np.zeros(count, np.bool_)
    )
    _advance(
        state, outcome, actions, items.at, items.again, items.row_of, items.ages, items.worth,
        items.lifetime,
    )  # fmt: skip
    return outcome


def look(state: Places, items: ItemRows) -> NDArray[np.float32]:
    """The observations, normalised and clipped, float32[n, d]."""
    seen = np.empty((len(state.row), items.rows.shape[2]), np.float32)
    _look(state, items.rows, items.mean, items.scale, seen)
    return seen


def make_vec(
    requests: Requests,
    room: Room,
    *,
    columns: tuple[str, ...] = (),
    weights: NDArray[np.float64] | None = None,
    seed: int = 0,
    slots: int = 256,
) -> SlotRentVec:
    """The environment for stable-baselines3.

    Args:
        requests: the training part alone; its features, normaliser and lifetime come of it.
        room: of the cache to learn for.
        columns: of the trace, given to the agent beside the base features.
        weights: value over space of a hit at each request (`HitValue.density`), None: all 1.
        seed: of the starts.
        slots: places stepped at once.

    Raises:
        TrainingError: a column is not in the trace, or the part is too short for this cache.
    """
    from engine.training.slot_vec import SlotRentVec

    return SlotRentVec(item_rows(requests, room, columns, weights), slots, seed)


def make_single(
    requests: Requests,
    room: Room,
    *,
    columns: tuple[str, ...] = (),
    weights: NDArray[np.float64] | None = None,
    **_: Any,  # noqa: ANN401 - the arguments of make_vec
) -> SlotRentEnv:
    """The same as one `gymnasium` environment of one place; seeded by its `reset`."""
    from engine.training.slot_env import SlotRentEnv

    return SlotRentEnv(item_rows(requests, room, columns, weights))


@compiled
def _begin(
    state: Places,
    where: NDArray[np.intp],
    row: NDArray[np.int64],
    check: NDArray[np.int64],
    rent: NDArray[np.float64],
    rows: NDArray[np.float32],
    at: NDArray[np.int64],
    worth: NDArray[np.float64],
) -> None:
    for start, place in enumerate(where):
        state.row[place], state.check[place] = row[start], check[start]
        state.rent[place] = rent[start]
        price = rows[row[start], check[start], RENT]
        state.shift[place] = math.log2(rent[start]) - price
        state.unit[place] = worth[at[row[start]]]
        state.steps[place] = 0


@compiled
def _advance(
    state: Places,
    outcome: Outcome,
    actions: NDArray[np.int64],
    at: NDArray[np.int64],
    again: NDArray[np.int64],
    row_of: NDArray[np.int64],
    ages: NDArray[np.int64],
    worth: NDArray[np.float64],
    lifetime: float,
) -> None:
    end = len(row_of)
    for place in range(len(actions)):
        row, check = state.row[place], state.check[place]
        state.steps[place] += 1
        if actions[place] != KEEP:
            outcome.ended[place] = True
            continue
        later = min(check + 1, _LAST)
        now, then = at[row] + ages[check], at[row] + ages[later]
        # A check may lie beyond the data, where "again" says that no request comes.
        hit = again[row] <= then and again[row] < end and later > check
        if hit:
            then = again[row]
            outcome.reward[place] = min(worth[then] / state.unit[place], _MOST_WORTH)
            row, later = row_of[then], 0
        outcome.reward[place] -= state.rent[place] * (then - now) / lifetime
        state.row[place], state.check[place] = row, later
        if later == _LAST:
            outcome.ended[place] = True
        elif at[row] + ages[later + 1] >= end or state.steps[place] > LONGEST:
            outcome.truncated[place] = True


@compiled
def _look(
    state: Places,
    rows: NDArray[np.float32],
    mean: NDArray[np.float32],
    scale: NDArray[np.float32],
    seen: NDArray[np.float32],
) -> None:
    for place in range(len(state.row)):
        row = rows[state.row[place], state.check[place]]
        for at in range(len(mean)):
            value = row[at] + state.shift[place] if at == RENT else row[at]
            value = (value - mean[at]) / scale[at]
            seen[place, at] = min(max(value, -CLIP), CLIP)
