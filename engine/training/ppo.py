"""Proximal policy optimisation."""

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


class PPOHyperparameters(Hyperparameters, frozen=True, kw_only=True):
    """Large batches and few epochs: measured faster and no worse than the library's own."""

    n_steps: Annotated[int, between(1, 65536, "Steps of each slot between two updates")] = 32
    batch_size: Annotated[int, between(2, 1_000_000, "Decisions a gradient is taken over")] = 2048
    n_epochs: Annotated[int, between(1, 100, "Passes over the decisions of an update")] = 4
    gae_lambda: Annotated[float, between(0.0, 1.0, "Bias against variance of the advantage")] = 0.95
    clip_range: Annotated[float, between(0.01, 1.0, "Largest change of an action's odds")] = 0.2
    ent_coef: Annotated[float, between(0.0, 1.0, "Reward for acting at random")] = 0.0
    vf_coef: Annotated[float, between(0.0, 10.0, "Weight of the value's error")] = 0.5

    def conflict(self, timesteps: int) -> str:
        """As in the base; a batch cannot be larger than what is collected for an update."""
        if self.batch_size > self.n_steps * self.slots:
            return (
                f"batch_size is {self.batch_size}, but only n_steps x slots = "
                f"{self.n_steps * self.slots} decisions are there to take it from; lower it"
            )
        if timesteps < self.n_steps * self.slots:
            return (
                f"timesteps is {timesteps}, but one update takes n_steps x slots = "
                f"{self.n_steps * self.slots}; train longer or lower one of them"
            )
        return super().conflict(timesteps)


class PPO(Algorithm[PPOHyperparameters]):
    """A policy in small steps; its scores are read as a Whittle index over four rents."""

    name = "ppo"
    title = "PPO"
    paper = "Schulman et al., Proximal Policy Optimization Algorithms, arXiv:1707.06347, 2017"
    timesteps = 1_200_000
    readout = "index"
    rents = (-4.0, -2.5, -1.0, 0.5)
    options = PPOHyperparameters

    def build(self, env: VecEnv, given: PPOHyperparameters, seed: int, device: str) -> library.PPO:
        """An untrained actor and critic."""
        import stable_baselines3 as library

        return library.PPO(
            "MlpPolicy",
            env,
            n_steps=given.n_steps,
            batch_size=given.batch_size,
            n_epochs=given.n_epochs,
            gae_lambda=given.gae_lambda,
            clip_range=given.clip_range,
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
        """That of the last batch."""
        return figures.get("train/loss")
