"""Slot rent for stable-baselines3: many places stepped at once by compiled code."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.cache.features import RENT
from engine.training import slot_rent
from engine.training.item_rows import ItemRows
from engine.training.vec import CompiledVec


class SlotRentVec(CompiledVec):
    """Places of a cache as environments of their own; made by `slot_rent.make_vec`.

    Attributes:
        features, mean, scale: names and normaliser of the observation's inputs.
        rent_at: which input is the rent.
        lifetime: of the cache, in requests.
    """

    def __init__(self, items: ItemRows, slots: int, seed: int = 0) -> None:
        self.items = items
        self.features, self.mean, self.scale = items.features, items.mean, items.scale
        self.rent_at, self.lifetime = RENT, items.lifetime
        self._rng = np.random.default_rng(seed)
        self._state = slot_rent.places(slots)
        self._returns = np.zeros(slots)
        self._nothing: list[dict[str, Any]] = [{} for _ in range(slots)]
        super().__init__(slots, len(items.features))

    def reset(self) -> NDArray[np.float32]:
        """Start every place anew; observations float32[slots, d]."""
        if self._seeds[0] is not None:
            self._rng = np.random.default_rng(self._seeds[0])
        self._reset_seeds()
        self._begin(np.arange(self.num_envs))
        return slot_rent.look(self._state, self.items)

    def begin_at(
        self, row: NDArray[np.int64], check: NDArray[np.int64], rent: NDArray[np.float64]
    ) -> NDArray[np.float32]:
        """Start every place at a given row, check and rent."""
        everywhere = np.arange(self.num_envs)
        slot_rent.begin(self._state, self.items, everywhere, (row, check, rent))
        self._returns[:] = 0
        return slot_rent.look(self._state, self.items)

    def step_wait(self) -> tuple[Any, Any, Any, Any]:
        """Observations, rewards, whether an episode ended, and stable-baselines3's infos."""
        reward, ended, truncated = slot_rent.advance(self._state, self.items, self._actions)
        self._returns += reward
        done = ended | truncated
        infos = self._nothing
        if done.any():
            where = np.flatnonzero(done)
            infos = self._tell(where, truncated)
            self._begin(where)
        return slot_rent.look(self._state, self.items), reward, done, infos

    def _tell(self, where: NDArray[np.intp], truncated: NDArray[np.bool_]) -> list[dict[str, Any]]:
        last = slot_rent.look(self._state, self.items)
        infos = self._nothing.copy()
        for place in where.tolist():
            episode = {"r": float(self._returns[place]), "l": int(self._state.steps[place])}
            infos[place] = {
                "terminal_observation": last[place],
                "TimeLimit.truncated": bool(truncated[place]),
                "episode": episode,
            }
        return infos

    def _begin(self, where: NDArray[np.intp]) -> None:
        starts = slot_rent.draw_starts(self.items, self._rng, len(where))
        slot_rent.begin(self._state, self.items, where, starts)
        self._returns[where] = 0
