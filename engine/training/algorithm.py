"""What a learning algorithm is to the trainer: built for an environment, read as three layers."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, ClassVar, Generic, TypeVar

from engine.training.hyperparameters import Hyperparameters, checked

if TYPE_CHECKING:
    from stable_baselines3.common.base_class import BaseAlgorithm
    from stable_baselines3.common.vec_env import VecEnv
    from torch import nn

H = TypeVar("H", bound=Hyperparameters)
Model = TypeVar("Model", bound="BaseAlgorithm")


class Algorithm(ABC, Generic[H]):
    """One way to learn from an environment. Listing it loads neither torch nor an environment."""

    name: ClassVar[str]
    title: ClassVar[str]
    """As people write it."""
    paper: ClassVar[str]
    """Authors, title, venue and year of its source."""
    timesteps: ClassVar[int]
    """Decisions that it learns from where nobody says how many."""
    readout: ClassVar[str]
    """How its outputs become a score, see `network.Network`."""
    rents: ClassVar[tuple[float, ...]]
    """The log2 rents that its scores are read at."""
    options: type[H]

    def hyperparameters(self, given: dict[str, Any]) -> H:
        """The given hyperparameters, checked; defaults for the rest.

        Raises:
            TrainingError: an unknown name or a value outside its range.
        """
        return checked(self.options, given)

    @abstractmethod
    def build(self, env: VecEnv, given: H, seed: int, device: str) -> BaseAlgorithm:
        """An untrained model for this environment."""

    @abstractmethod
    def networks(self, model: Any) -> list[list[nn.Linear]]:  # noqa: ANN401 - its own kind of model
        """Those that decide, each as its linear layers from features to the two outputs.

        The first is the one that is read; others are kept beside it (DQN's target).
        """

    @abstractmethod
    def exploration(self, model: Any) -> float | None:  # noqa: ANN401
        """How much it explores now: share of random actions, or the policy's entropy in nats."""

    @abstractmethod
    def loss(self, figures: dict[str, float]) -> float | None:
        """The loss among what the library has logged last; None before the first update."""


def policy_arguments(given: Hyperparameters) -> dict[str, Any]:
    """The network's form. A new dict every time: A2C writes its optimiser into the caller's."""
    from torch import nn

    return {"net_arch": [given.hidden_1, given.hidden_2], "activation_fn": nn.ReLU}


def shared_arguments(given: Hyperparameters, seed: int, device: str) -> dict[str, Any]:
    """What all constructors of the library take alike."""
    rate: Callable[[float], float] = given.rate
    return {
        "learning_rate": rate,
        "gamma": given.gamma,
        "max_grad_norm": given.max_grad_norm,
        "policy_kwargs": policy_arguments(given),
        "seed": seed,
        "device": device,
    }


def actor_layers(model: Any) -> list[list[nn.Linear]]:  # noqa: ANN401 - any actor-critic model
    """The actor of an actor-critic model."""
    from torch import nn

    hidden = model.policy.mlp_extractor.policy_net
    layers = [layer for layer in hidden if isinstance(layer, nn.Linear)]
    return [[*layers, model.policy.action_net]]


def policy_entropy(model: Any) -> float | None:  # noqa: ANN401 - any actor-critic model
    """The actor's entropy in nats at the last update; None before the first."""
    entropy = model.logger.name_to_value.get("train/entropy_loss")
    return None if entropy is None else -float(entropy)
