"""Admission for stable-baselines3: many caches stepped at once by compiled code."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.training import admission_core as core
from engine.training.admission import LONGEST, Admissions
from engine.training.vec import CompiledVec


class AdmissionVec(CompiledVec):
    """Caches over the same requests, each at its own time; made by `admission.make_vec`.

    Attributes:
        features, mean, scale: names and normaliser of the observation's inputs.
        rent_at: -1, as no input is a rent.
        lifetime: of the cache, in requests.
    """

    rent_at = -1

    def __init__(self, shared: Admissions, slots: int, seed: int = 0) -> None:
        self.shared, stretch = shared, shared.stretch
        self.features, self.mean, self.scale = shared.features, stretch.mean, stretch.scale
        self.lifetime = stretch.lifetime
        self._rng = np.random.default_rng(seed)
        self._caches = core.new_caches(slots, int(stretch.key.max()) + 1)
        self._returns = np.zeros(slots)
        self._nothing: list[dict[str, Any]] = [{} for _ in range(slots)]
        super().__init__(slots, len(shared.features))

    def reset(self) -> NDArray[np.float32]:
        """Start every cache anew; observations float32[slots, d]."""
        if self._seeds[0] is not None:
            self._rng = np.random.default_rng(self._seeds[0])
        self._reset_seeds()
        return self.begin_at(self._draw(self.num_envs))

    def begin_at(self, starts: NDArray[np.int64]) -> NDArray[np.float32]:
        """Start every cache before a given request, filled as LRU would be."""
        for at, start in enumerate(starts.tolist()):
            core.begin(self._caches, self.shared.stretch, at, start)
        self._returns[:] = 0
        return core.look(self._caches, self.shared.stretch)

    def step_wait(self) -> tuple[Any, Any, Any, Any]:
        """Observations, rewards, whether an episode ended, and stable-baselines3's infos."""
        reward, done = core.step(self._caches, self.shared.stretch, self._actions, LONGEST)
        self._returns += reward
        infos = self._nothing
        if done.any():
            infos = self._renew(np.flatnonzero(done))
        return core.look(self._caches, self.shared.stretch), reward, done, infos

    def _renew(self, where: NDArray[np.intp]) -> list[dict[str, Any]]:
        last = core.look(self._caches, self.shared.stretch)
        infos = self._nothing.copy()
        starts = self._draw(len(where))
        for at, start in zip(where.tolist(), starts.tolist(), strict=True):
            steps = int(self._caches.steps[at])
            infos[at] = {
                "terminal_observation": last[at],
                "TimeLimit.truncated": True,
                "episode": {"r": float(self._returns[at]), "l": steps},
            }
            core.begin(self._caches, self.shared.stretch, at, start)
        self._returns[where] = 0
        return infos

    def _draw(self, count: int) -> NDArray[np.int64]:
        end = len(self.shared.stretch.key)
        return self._rng.integers(self.shared.first, end - 1, size=count)
