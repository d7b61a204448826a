"""A registered model in place of the Q-learning agent.

The model is asked twice about the endpoint's typical result (`engine.agent.typical`): whether it is
worth its place just after a request, and whether it still is when a short time to live has passed
without another. So it is kept long, kept short, or not at all. The model does not know how soon an
endpoint's data change; it never chooses a short time to live for their sake, nor to refresh ahead.
"""

from __future__ import annotations

import json
import math
from typing import ClassVar

from engine.agent.base import ACTIONS, Agent, Choice, Models, Observation, Transition
from engine.agent.discretiser import discretise
from engine.agent.typical import gap_seconds, score
from engine.agent.words import ACTION_WORDS
from engine.errors import CheckpointError
from engine.records import Action
from engine.training.policy import TrainedPolicy
from engine.tunables import Tuned


class ModelPolicy(Agent):
    """Follows the model behind an alias; without one, or without requests, it keeps long."""

    name = "policy"
    wants_traffic: ClassVar[bool] = True

    def __init__(self) -> None:
        self._models: Models | None = None
        self._model: tuple[int, TrainedPolicy] | None = None
        self._alias = "champion"
        self._ttl_short_s = 5.0
        self.steps = 0

    def attach(self, models: Models) -> None:
        """Say where trained models are found."""
        self._models = models

    def decide(self, observation: Observation) -> Choice:
        """Ask the model; values are its scores above what is just worth its place."""
        state = discretise(observation)
        if self._model is None:
            return _plain(state, f"no {self._alias} to follow")
        if observation.traffic is None:
            return _plain(state, "nothing requested lately to describe the endpoint by")
        number, policy = self._model
        fresh = score(policy, observation, observation.traffic, 0.0)
        later = score(policy, observation, observation.traffic, self._ttl_short_s)
        if not math.isfinite(fresh + later):
            return _plain(state, f"model {number} has no finite score for this")
        action = _chosen(fresh, later)
        values = {Action.KEEP_SHORT: fresh, Action.KEEP_LONG: later}
        every = gap_seconds(observation, observation.traffic)
        reason = (
            f"{ACTION_WORDS[action]}: a typical key is asked for every {every:.3g} s; model "
            f"{number} ({self._alias}) values it {fresh:+.3g} at once and {later:+.3g} after "
            f"{self._ttl_short_s:g} s without a request"
        )
        return Choice(action, state, tuple(values.get(a, 0.0) for a in ACTIONS), False, reason)

    def learn(self, transition: Transition) -> None:  # noqa: ARG002 - it is trained elsewhere
        """Count the transition; the model stays as it was trained."""
        self.steps += 1

    def tune(self, tuned: Tuned) -> None:
        """Follow the alias that is asked for, to whatever model it points now."""
        self._ttl_short_s = tuned.number("agent.ttl_short_s")
        self._alias = tuned.text("agent.model")
        self._model = self._models.get(self._alias) if self._models is not None else None

    @property
    def exploration(self) -> float:
        """It never explores."""
        return 0.0

    def save(self) -> str:
        """The count of transitions."""
        return json.dumps({"agent": self.name, "steps": self.steps})

    def restore(self, state: str) -> None:
        """Go on counting.

        Raises:
            CheckpointError: not what `save` writes.
        """
        try:
            content = json.loads(state)
            steps = int(content["steps"]) if content["agent"] == self.name else -1
        except (ValueError, TypeError, KeyError):
            steps = -1
        if steps < 0:
            raise CheckpointError("The policy's checkpoint is damaged; it starts afresh.")
        self.steps = steps


def _chosen(fresh: float, later: float) -> Action:
    if later > 0:
        return Action.KEEP_LONG
    return Action.KEEP_SHORT if fresh > 0 else Action.DROP


def _plain(state: str, why: str) -> Choice:
    """Plain keeping, the nearest to an LRU cache."""
    return Choice(Action.KEEP_LONG, state, tuple(0.0 for _ in ACTIONS), False, f"keep long: {why}")
