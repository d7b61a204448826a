"""Slot rent as a plain `gymnasium` environment, registered as "Cachescope/Cache-v0".

`gymnasium.make("engine.training.slot_env:Cachescope/Cache-v0")` makes it, by default on a small
generated trace; the arguments of `slot_rent.make_single` choose another.
"""

from __future__ import annotations

import math
from typing import Any

import gymnasium
import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from engine.cache.base import Room
from engine.cache.features import RENT
from engine.errors import TrainingError
from engine.traces.trace import Requests
from engine.training import slot_rent
from engine.training.item_rows import CHECKS, ItemRows
from engine.training.network import CLIP

ID = "Cachescope/Cache-v0"

_DRAWN = 256


class SlotRentEnv(gymnasium.Env[NDArray[np.float32], np.int64]):
    """One place of a cache; 0 evicts what it holds, 1 keeps it.

    Attributes:
        features, mean, scale: names and normaliser of the observation's inputs.
        rent_at: which input is the rent.
        lifetime: of the cache, in requests.
    """

    def __init__(self, items: ItemRows) -> None:
        self.items = items
        self.features, self.mean, self.scale = items.features, items.mean, items.scale
        self.rent_at, self.lifetime = RENT, items.lifetime
        self.observation_space = spaces.Box(-CLIP, CLIP, (len(items.features),), np.float32)
        self.action_space = spaces.Discrete(2)
        self._state = slot_rent.places(1)
        self._where = np.zeros(1, np.intp)
        self._action = np.zeros(1, np.int64)
        self._drawn = slot_rent.draw_starts(items, np.random.default_rng(0), 1)
        self._next = _DRAWN

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[NDArray[np.float32], dict[str, Any]]:
        """Start an episode; `options` may give its `row`, `check` and `rent`.

        Raises:
            TrainingError: no such row or check, or a rent that is no number above 0.
        """
        super().reset(seed=seed)
        if seed is not None:
            self._next = _DRAWN
        row, check, rent = self._start()
        if options:
            row[0] = options.get("row", row[0])
            check[0] = options.get("check", check[0])
            rent[0] = options.get("rent", rent[0])
            self._refuse(int(row[0]), int(check[0]), float(rent[0]))
        slot_rent.begin(self._state, self.items, self._where, (row, check, rent))
        return slot_rent.look(self._state, self.items)[0], {}

    def _start(self) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
        """The next of many starts drawn at once: one alone costs as much to draw."""
        if self._next == _DRAWN:
            self._drawn = slot_rent.draw_starts(self.items, self.np_random, _DRAWN)
            self._next = 0
        one = slice(self._next, self._next + 1)
        self._next += 1
        row, check, rent = self._drawn
        return row[one], check[one], rent[one]

    def _refuse(self, row: int, check: int, rent: float) -> None:
        known = 0 <= row < len(self.items.at) and 0 <= check < len(CHECKS)
        if not (known and 0 < rent < math.inf):
            raise TrainingError(
                f"An episode cannot start at row {row}, check {check}, rent {rent:g}; rows go to "
                f"{len(self.items.at) - 1}, checks to {len(CHECKS) - 1}, and a rent is a number "
                "above 0."
            )

    def step(
        self, action: np.int64
    ) -> tuple[NDArray[np.float32], float, bool, bool, dict[str, Any]]:
        """Keep or evict: observation, reward, ended, truncated and nothing more."""
        self._action[0] = action
        reward, ended, truncated = slot_rent.advance(self._state, self.items, self._action)
        seen = slot_rent.look(self._state, self.items)[0]
        return seen, float(reward[0]), bool(ended[0]), bool(truncated[0]), {}


def make(
    requests: Requests | None = None,
    room: Room | None = None,
    **given: Any,  # noqa: ANN401
) -> SlotRentEnv:
    """What `gymnasium.make` calls; a sample trace and a cache of 100 where nothing is given."""
    requests = requests or sample_requests()
    return slot_rent.make_single(
        requests, room or Room(100, by_bytes=False, distinct=requests.distinct), **given
    )


def sample_requests(count: int = 20_000, keys: int = 2_000, seed: int = 0) -> Requests:
    """Generated requests whose popularity falls with rank (Zipf's law, exponent 0.9)."""
    rng = np.random.default_rng(seed)
    share = np.arange(1, keys + 1) ** -0.9
    key = rng.choice(keys, count, p=share / share.sum()).astype(np.int32)
    return Requests(
        time=np.arange(count, dtype=np.float64),
        key=key,
        group=(key % 5).astype(np.int32),
        size=(100 + 13 * key % 5000).astype(np.int64),
        cost=(1 + key % 100).astype(np.float64),
        distinct=keys,
    )


gymnasium.register(ID, entry_point=make)
