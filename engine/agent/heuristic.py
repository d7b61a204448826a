"""A rule that learns nothing: what an experienced person would set, as a yardstick."""

from __future__ import annotations

import json

from engine.agent.base import ACTIONS, Agent, Choice, Observation, Transition
from engine.agent.discretiser import discretise
from engine.errors import CheckpointError
from engine.records import Action
from engine.tunables import Tuned

BUSY_MS_PER_S = 60.0
"""Load time asked per second (demand x load time) from which reloading ahead is worth it."""

IDLE_MS_PER_S = 0.5
"""Load time asked per second below which keeping anything is not worth its bytes."""


class Heuristic(Agent):
    """Decides on demand x load time and on the requests expected within a time to live."""

    name = "heuristic"

    def __init__(self) -> None:
        self._ttl_short_s = 5.0
        self.steps = 0

    def decide(self, observation: Observation) -> Choice:
        """Choose by rule; the values of actions are all zero, since none are learned."""
        action, reason = self._rule(observation)
        values = tuple(0.0 for _ in ACTIONS)
        return Choice(action, discretise(observation), values, False, reason)

    def learn(self, transition: Transition) -> None:  # noqa: ARG002 - a rule does not learn
        """Count the transition; a rule stays as it is."""
        self.steps += 1

    def tune(self, tuned: Tuned) -> None:
        """Compare with the short time to live now in force."""
        self._ttl_short_s = tuned.number("agent.ttl_short_s")

    @property
    def exploration(self) -> float:
        """A rule never explores."""
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
            raise CheckpointError("The heuristic's checkpoint is damaged; it starts afresh.")
        self.steps = steps

    def _rule(self, seen: Observation) -> tuple[Action, str]:
        asked = seen.demand * seen.load_time_ms
        within = seen.demand * self._ttl_short_s
        what = f"{seen.demand:.2f} requests/s x {seen.load_time_ms:.0f} ms"
        if asked < IDLE_MS_PER_S:
            return Action.DROP, f"{what} is too little to keep anything for"
        if asked >= BUSY_MS_PER_S:
            return Action.KEEP_REFRESH, f"{what}: waiting for a reload costs more than it does"
        if within >= 1.0 and seen.trend >= 0:
            return Action.KEEP_SHORT, f"{what}: asked again before a short time to live ends"
        return Action.KEEP_LONG, f"{what}: asked too rarely for a short time to live"
