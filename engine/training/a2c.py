"""Advantage actor-critic: the fastest of the three, and the least certain."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from engine.training.algorithm import (
    Algorithm,
    actor_layers,
    policy_entropy,
    shared_arguments,
)
from engine.training.hyperparameters import Hyperparameters, between

if TYPE_CHECKING:
    import stable_baselines3 as library
    from stable_baselines3.common.vec_env import VecEnv
    from torch import nn


class A2CHyperparameters(Hyperparameters, frozen=True, kw_only=True):
    """Longer stretches than the library's own, over many slots at once."""

    n_steps: Annotated[int, between(1, 65536, "Steps of each slot between two updates")] = 8
    gae_lambda: Annotated[float, between(0.0, 1.0, "Bias against variance of the advantage")] = 0.95
    ent_coef: Annotated[float, between(0.0, 1.0, "Reward for acting at random")] = 0.0
    vf_coef: Annotated[float, between(0.0, 10.0, "Weight of the value's error")] = 0.5

    def conflict(self, timesteps: int) -> str:
        """As in the base; at least one update must fit."""
        if timesteps < self.n_steps * self.slots:
            return (
                f"timesteps is {timesteps}, but one update takes n_steps x slots = "
                f"{self.n_steps * self.slots}; train longer or lower one of them"
            )
        return super().conflict(timesteps)


class A2C(Algorithm[A2CHyperparameters]):
    """A policy by its gradient; its scores are read as a Whittle index over four rents."""

    name = "a2c"
    title = "A2C"
    paper = "Mnih et al., Asynchronous Methods for Deep Reinforcement Learning, ICML 2016"
    timesteps = 1_200_000
    readout = "index"
    rents = (-4.0, -2.5, -1.0, 0.5)
    options = A2CHyperparameters

    def build(self, env: VecEnv, given: A2CHyperparameters, seed: int, device: str) -> library.A2C:
        """An untrained actor and critic."""
        import stable_baselines3 as library

        return library.A2C(
            "MlpPolicy",
            env,
            n_steps=given.n_steps,
            gae_lambda=given.gae_lambda,
            ent_coef=given.ent_coef,
            vf_coef=given.vf_coef,
            **shared_arguments(given, seed, device),
        )

    def networks(self, model: Any) -> list[list[nn.Linear]]:  # noqa: ANN401
        """The actor."""
        return actor_layers(model)

    def exploration(self, model: Any) -> float | None:  # noqa: ANN401
        """The policy's entropy at the last update."""
        return policy_entropy(model)

    def loss(self, figures: dict[str, float]) -> float | None:
        """Policy's and value's loss together."""
        parts = [figures.get("train/policy_loss"), figures.get("train/value_loss")]
        return None if None in parts else sum(part for part in parts if part is not None)
