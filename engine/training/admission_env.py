"""Admission as a plain `gymnasium` environment, registered as "Cachescope/Admission-v0".

`gymnasium.make("engine.training.admission_env:Cachescope/Admission-v0")` makes it, by default on
a small generated trace; the arguments of `admission.make_single` choose another.
"""

from __future__ import annotations

from typing import Any

import gymnasium
import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from engine.cache.base import Room
from engine.errors import TrainingError
from engine.traces.trace import Requests
from engine.training import admission
from engine.training import admission_core as core
from engine.training.admission import LONGEST, Admissions
from engine.training.network import CLIP

ID = "Cachescope/Admission-v0"


class AdmissionEnv(gymnasium.Env[NDArray[np.float32], np.int64]):
    """One cache; 0 passes the missed result by, 1 keeps it in the place of LRU's victim.

    Attributes:
        features, mean, scale: names and normaliser of the observation's inputs.
        rent_at: -1, as no input is a rent.
        lifetime: of the cache, in requests.
    """

    rent_at = -1

    def __init__(self, shared: Admissions) -> None:
        self.shared, stretch = shared, shared.stretch
        self.features, self.mean, self.scale = shared.features, stretch.mean, stretch.scale
        self.lifetime = stretch.lifetime
        self.observation_space = spaces.Box(-CLIP, CLIP, (len(shared.features),), np.float32)
        self.action_space = spaces.Discrete(2)
        self._caches = core.new_caches(1, int(stretch.key.max()) + 1)
        self._action = np.zeros(1, np.int64)

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[NDArray[np.float32], dict[str, Any]]:
        """Start an episode; `options` may give the request to `start` before.

        Raises:
            TrainingError: the cache cannot be full there.
        """
        super().reset(seed=seed)
        first, end = self.shared.first, len(self.shared.stretch.key)
        start = int((options or {}).get("start", self.np_random.integers(first, end - 1)))
        if not first <= start < end:
            raise TrainingError(
                f"An episode cannot start before request {start}; give {first} to {end - 1}."
            )
        core.begin(self._caches, self.shared.stretch, 0, start)
        return core.look(self._caches, self.shared.stretch)[0], {}

    def step(
        self, action: np.int64
    ) -> tuple[NDArray[np.float32], float, bool, bool, dict[str, Any]]:
        """Keep or pass by: observation, reward, ended (never), truncated and nothing more."""
        self._action[0] = action
        reward, truncated = core.step(self._caches, self.shared.stretch, self._action, LONGEST)
        seen = core.look(self._caches, self.shared.stretch)[0]
        return seen, float(reward[0]), False, bool(truncated[0]), {}


def make(
    requests: Requests | None = None,
    room: Room | None = None,
    **given: Any,  # noqa: ANN401
) -> AdmissionEnv:
    """What `gymnasium.make` calls; a sample trace and a cache of 100 where nothing is given."""
    from engine.training.slot_env import sample_requests

    requests = requests or sample_requests()
    return admission.make_single(
        requests, room or Room(100, by_bytes=False, distinct=requests.distinct), **given
    )


gymnasium.register(ID, entry_point=make)
