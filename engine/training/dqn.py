"""Deep Q-learning."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Annotated, Any

from engine.training.algorithm import Algorithm, shared_arguments
from engine.training.hyperparameters import Hyperparameters, between

if TYPE_CHECKING:
    import stable_baselines3 as library
    from stable_baselines3.common.vec_env import VecEnv
    from torch import nn


class DQNHyperparameters(Hyperparameters, frozen=True, kw_only=True):
    """Eight samples learned from per decision, as the library's own; in batches 32 times larger."""

    warm_start: Annotated[
        float, between(0.0, 100.0, "Strength of the hazard index as a start; 0 starts cold")
    ] = 0.3
    max_grad_norm: Annotated[float, between(1e-3, 1e3, "Longest gradient")] = 10.0
    buffer_size: Annotated[int, between(100, 10_000_000, "Decisions remembered")] = 200_000
    learning_starts: Annotated[int, between(0, 10_000_000, "Decisions before learning")] = 5_000
    batch_size: Annotated[int, between(2, 1_000_000, "Decisions a gradient is taken over")] = 1024
    train_freq: Annotated[int, between(1, 10_000, "Steps of all slots between two updates")] = 1
    gradient_steps: Annotated[int, between(1, 10_000, "Gradients of an update")] = 2
    target_update_interval: Annotated[
        int, between(1, 10_000_000, "Decisions between two copies into the target network")
    ] = 500
    exploration_initial_eps: Annotated[
        float, between(0.0, 1.0, "Share of random actions at the start")
    ] = 0.5
    exploration_final_eps: Annotated[
        float, between(0.0, 1.0, "Share of random actions in the end")
    ] = 0.1
    exploration_fraction: Annotated[
        float, between(0.0, 1.0, "Part of the training over which that share falls")
    ] = 0.5

    def conflict(self, timesteps: int) -> str:
        """As in the base; the buffer must hold a batch, and learning must start."""
        if self.batch_size > self.buffer_size:
            return (
                f"batch_size is {self.batch_size}, more than the buffer_size {self.buffer_size} "
                "remembers; lower it"
            )
        if self.learning_starts >= timesteps:
            return (
                f"learning_starts is {self.learning_starts}, but training ends after {timesteps} "
                "timesteps; lower it or train longer"
            )
        return super().conflict(timesteps)


class DQN(Algorithm[DQNHyperparameters]):
    """The worth of keeping and of evicting; its values rank items far from the margin too."""

    name = "dqn"
    title = "DQN"
    paper = "Mnih et al., Human-level control through deep reinforcement learning, Nature 518, 2015"
    timesteps = 400_000
    readout = "difference"
    rents = (math.log2(0.05),)
    options = DQNHyperparameters

    def build(self, env: VecEnv, given: DQNHyperparameters, seed: int, device: str) -> library.DQN:
        """An untrained Q-network and its target."""
        import stable_baselines3 as library

        return library.DQN(
            "MlpPolicy",
            env,
            buffer_size=given.buffer_size,
            learning_starts=given.learning_starts,
            batch_size=given.batch_size,
            train_freq=given.train_freq,
            gradient_steps=given.gradient_steps,
            target_update_interval=given.target_update_interval,
            exploration_initial_eps=given.exploration_initial_eps,
            exploration_final_eps=given.exploration_final_eps,
            exploration_fraction=given.exploration_fraction,
            **shared_arguments(given, seed, device),
        )

    def networks(self, model: Any) -> list[list[nn.Linear]]:  # noqa: ANN401
        """The Q-network and its target."""
        from torch import nn

        return [
            [layer for layer in net.q_net if isinstance(layer, nn.Linear)]
            for net in (model.q_net, model.q_net_target)
        ]

    def exploration(self, model: Any) -> float | None:  # noqa: ANN401
        """The share of random actions now."""
        return float(model.exploration_rate)

    def loss(self, figures: dict[str, float]) -> float | None:
        """That of the last update."""
        return figures.get("train/loss")
