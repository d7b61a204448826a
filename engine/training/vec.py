"""What stable-baselines3 asks of environments that are stepped together by compiled code."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray
from stable_baselines3.common.vec_env import VecEnv

from engine.training.network import CLIP

_Indices = None | int | Iterable[int]


class CompiledVec(VecEnv):
    """Equal environments in one object: two actions, observations of `inputs` numbers.

    Args:
        slots: environments stepped at once.
        inputs: numbers of an observation.
    """

    def __init__(self, slots: int, inputs: int) -> None:
        self._actions = np.zeros(slots, np.int64)
        box = spaces.Box(-CLIP, CLIP, (inputs,), np.float32)
        super().__init__(slots, box, spaces.Discrete(2))

    def step_async(self, actions: NDArray[Any]) -> None:
        """Take the actions of the coming step, int[slots]."""
        self._actions = np.asarray(actions, np.int64).reshape(self.num_envs)

    def close(self) -> None:
        """Nothing is open."""

    def get_attr(self, attr_name: str, indices: _Indices = None) -> list[Any]:
        """The attribute, the same for every one."""
        return [getattr(self, attr_name, None)] * len(list(self._get_indices(indices)))

    def set_attr(self, attr_name: str, value: Any, indices: _Indices = None) -> None:  # noqa: ANN401, ARG002
        """Set an attribute of all."""
        setattr(self, attr_name, value)

    def env_method(
        self,
        method_name: str,
        *args: Any,  # noqa: ANN401
        indices: _Indices = None,
        **kwargs: Any,  # noqa: ANN401
    ) -> list[Any]:
        """Call a method once; its result for every one asked."""
        result = getattr(self, method_name)(*args, **kwargs)
        return [result] * len(list(self._get_indices(indices)))

    def env_is_wrapped(self, wrapper_class: type[Any], indices: _Indices = None) -> list[bool]:  # noqa: ARG002
        """None is wrapped."""
        return [False] * len(list(self._get_indices(indices)))
