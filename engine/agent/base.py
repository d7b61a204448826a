"""What an agent is: an observation in, a choice out, and a reward to learn from."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, ClassVar, Protocol

import msgspec

from engine.records import Action
from engine.tunables import Tuned

if TYPE_CHECKING:
    from engine.training.policy import TrainedPolicy

ACTIONS: tuple[Action, ...] = tuple(Action)
"""The order in which values of actions are kept, everywhere."""


class Traffic(msgspec.Struct, frozen=True):
    """What the last minutes' requests of an endpoint were like, beside those of all endpoints.

    Args:
        keys: distinct keys that had to be loaded within `seconds`.
        seconds: how far back that reaches.
        size_bytes: mean size of a requested result.
        all_demand: requests per second of all endpoints together.
    """

    keys: float
    seconds: float
    size_bytes: float
    all_demand: float


class Observation(msgspec.Struct, frozen=True):
    """What is known of one endpoint when its next interval is decided.

    Args:
        demand: predicted requests per second in the interval.
        trend: predicted demand at the end of the horizon divided by that at its start, minus 1.
        load_time_ms: expected load time of a miss.
        held_share: share (0 to 1) of the endpoint's requested bytes that the cache holds.
        cache_name: which endpoint it is; what else it is like (how soon its data change, say) is
            learned under its name.
        traffic: told to agents that want it, where something was requested.
    """

    demand: float
    trend: float
    load_time_ms: float
    held_share: float
    cache_name: str = ""
    traffic: Traffic | None = None


class Choice(msgspec.Struct, frozen=True):
    """What an agent chose, from which state, and what it thought of each of ACTIONS."""

    action: Action
    state: str
    q_values: tuple[float, ...]
    explored: bool
    reason: str


class Transition(msgspec.Struct, frozen=True):
    """An action and what came of it.

    Args:
        state: as the choice named it.
        action: what was chosen.
        reward: scaled to -1..1 (`engine.agent.rewards`).
        next_state: state of the endpoint's next decision; None where none followed.
        cache_name: the endpoint.
        intervals: how many intervals later that decision was made; more than 1 where predictions
            were overwritten or expired.
    """

    state: str
    action: Action
    reward: float
    next_state: str | None
    intervals: int = 1
    cache_name: str = ""


class Models(Protocol):
    """Where an agent finds trained models."""

    def get(self, alias: str) -> tuple[int, TrainedPolicy] | None:
        """The number and the policy that go by `alias` now; None where there is none to use."""


class Agent(ABC):
    """Decides for every endpoint. Single-threaded; owned by the agent service."""

    name: str
    wants_traffic: ClassVar[bool] = False
    """Whether its observations should tell the endpoint's `Traffic`."""
    steps: int = 0
    """Transitions learned from."""

    @abstractmethod
    def decide(self, observation: Observation) -> Choice:
        """Choose the action for the next interval; never fails for finite observations."""

    def attach(self, models: Models) -> None:  # noqa: B027 - most agents need none
        """Say where trained models are found; called once, before anything is decided."""

    @abstractmethod
    def learn(self, transition: Transition) -> None:
        """Take one transition into account."""

    @abstractmethod
    def tune(self, tuned: Tuned) -> None:
        """Work on with these tunables; nothing learned is lost."""

    @property
    @abstractmethod
    def exploration(self) -> float:
        """The chance (0 to 1) that the next choice is a random one."""

    @abstractmethod
    def save(self) -> str:
        """Everything learned, as JSON that `restore` reads."""

    @abstractmethod
    def restore(self, state: str) -> None:
        """Go on from what `save` wrote.

        Raises:
            CheckpointError: damaged, or written by another configuration; nothing has changed.
        """
