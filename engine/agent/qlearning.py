"""Tabular Q-learning with epsilon-greedy exploration.

Watkins, C. J. C. H. (1989), Learning from Delayed Rewards, PhD thesis, King's College Cambridge;
Watkins and Dayan (1992), Q-learning, Machine Learning 8, 279-292:

    Q(s, a) <- Q(s, a) + rate x (r + discount^k x max Q(s', .) - Q(s, a))

with k = 1 unless intervals were skipped between the two decisions.
"""

from __future__ import annotations

import json
import math
import random

from engine.agent.base import ACTIONS, Agent, Choice, Observation, Transition
from engine.agent.discretiser import VERSION, describe, discretise, is_state
from engine.errors import CheckpointError
from engine.records import Action
from engine.tunables import Tuned

MOST_ENDPOINTS = 200
"""Endpoints with a table of their own; past this the first one learned gives way."""

_INDEX = {action: place for place, action in enumerate(ACTIONS)}
_WORDS = {
    Action.DROP: "do not keep",
    Action.KEEP_SHORT: "keep short",
    Action.KEEP_LONG: "keep long",
    Action.KEEP_REFRESH: "keep and refresh ahead",
}


class QLearning(Agent):
    """One value per endpoint, state and action, learned from rewards.

    How soon an endpoint's data change is no part of the state but part of its nature, so each
    endpoint has a table of its own. A state that is new to it starts from the table that is
    learned over all endpoints together, and one that is new there from the mean of each action.

    Args:
        seed: for repeatable runs; None draws one.
    """

    name = "qlearning"

    def __init__(self, seed: int | None = None) -> None:
        self._random = random.Random(seed)  # noqa: S311 - exploration needs no cryptography
        self._tables: dict[str, dict[str, list[float]]] = {"": {}}
        self._visits: dict[str, list[int]] = {}
        self._prior = [0.0] * len(ACTIONS)
        self._decay_steps = 0
        self.steps = 0
        self.tune(Tuned())

    @property
    def table(self) -> dict[str, tuple[float, ...]]:
        """State -> values in the order of ACTIONS, learned over all endpoints together."""
        return {state: tuple(values) for state, values in self._tables[""].items()}

    @property
    def exploration(self) -> float:
        """The chance that the next choice is random: it decays from decision to decision."""
        decayed = self._start * self._decay**self._decay_steps
        return max(self._least, decayed) if self._start > self._least else self._start

    def decide(self, observation: Observation) -> Choice:
        """Choose the best known action, or with the chance `exploration` any of them."""
        return self.decide_in(discretise(observation), observation.cache_name)

    def decide_in(self, state: str, cache_name: str = "") -> Choice:
        """As `decide`, for a state that is given."""
        epsilon = self.exploration
        values = self._values(state, cache_name)
        explored = self._random.random() < epsilon
        self._decay_steps += 1
        if explored:
            action = self._random.choice(ACTIONS)
            reason = f"explored (chance {epsilon:.0%}): {_WORDS[action]} while {describe(state)}"
        else:
            best = max(values)
            action = self._random.choice(
                [a for a, value in zip(ACTIONS, values, strict=True) if value == best]
            )
            reason = f"{_WORDS[action]} is valued highest ({best:+.2f}) when {describe(state)}"
        return Choice(action, state, tuple(values), explored, reason)

    def learn(self, transition: Transition) -> None:
        """Move the value of the action taken towards reward plus discounted best next value."""
        place, state = _INDEX[transition.action], transition.state
        reward = transition.reward * self._weights[place]
        for name in {"", transition.cache_name}:
            target = reward
            if transition.next_state is not None:
                best = max(self._values(transition.next_state, name))
                target += self._discount**transition.intervals * best
            table = self._table_of(name)
            values = table.setdefault(state, self._values(state, name))
            values[place] += self._rate * (target - values[place])
        self._prior[place] += self._rate / 4 * (target - self._prior[place])
        self._visits.setdefault(state, [0] * len(ACTIONS))[place] += 1
        self.steps += 1

    def tune(self, tuned: Tuned) -> None:
        """Take over rates and weights; a changed start of exploration begins its decay anew."""
        start = tuned.number("agent.exploration")
        if start != getattr(self, "_start", start):
            self._decay_steps = 0
        self._start = start
        self._least = tuned.number("agent.exploration_min")
        self._decay = tuned.number("agent.exploration_decay")
        self._rate = tuned.number("agent.learning_rate")
        self._discount = tuned.number("agent.discount")
        self._weights = [tuned.number(f"agent.weight.{action.value}") for action in ACTIONS]

    def save(self) -> str:
        """The table, visits and progress of exploration, as JSON."""
        return json.dumps(
            {
                "agent": self.name,
                "bins": VERSION,
                "actions": [action.value for action in ACTIONS],
                "steps": self.steps,
                "decay_steps": self._decay_steps,
                "start": self._start,
                "prior": self._prior,
                "table": self._tables[""],
                "endpoints": {name: t for name, t in self._tables.items() if name},
                "visits": self._visits,
            }
        )

    def restore(self, state: str) -> None:
        """Go on from what `save` wrote.

        Raises:
            CheckpointError: damaged, or of other bins or actions; nothing has changed.
        """
        try:
            content = json.loads(state)
            same = (
                content["agent"] == self.name
                and content["bins"] == VERSION
                and content["actions"] == [action.value for action in ACTIONS]
            )
            steps, decay_steps = int(content["steps"]), int(content["decay_steps"])
            start = float(content["start"])
            prior = _numbers(content["prior"])
            tables = {str(name): _table(one) for name, one in content["endpoints"].items()}
            tables[""] = _table(content["table"])
            visits = {
                _state(name): [int(value) for value in _numbers(values)]
                for name, values in content["visits"].items()
            }
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise CheckpointError(
                f"The Q-table's checkpoint is damaged ({error or type(error).__name__}); "
                "the agent starts afresh."
            ) from None
        if not same or min(steps, decay_steps) < 0:
            raise CheckpointError(
                "The Q-table's checkpoint was written with other states or actions; "
                "the agent starts afresh."
            )
        self._tables, self._visits, self._prior = tables, visits, prior
        self.steps = steps
        self._decay_steps = decay_steps if start == self._start else 0

    def _table_of(self, name: str) -> dict[str, list[float]]:
        if name not in self._tables and len(self._tables) > MOST_ENDPOINTS:
            del self._tables[next(one for one in self._tables if one)]
        return self._tables.setdefault(name, {})

    def _values(self, state: str, cache_name: str = "") -> list[float]:
        """Of the endpoint; untried there: of all endpoints; untried anywhere: of all states."""
        own = self._tables.get(cache_name, {}).get(state)
        return list(own or self._tables[""].get(state, self._prior))


def _table(values: dict[str, object]) -> dict[str, list[float]]:
    return {_state(name): _numbers(numbers) for name, numbers in values.items()}


def _numbers(values: object) -> list[float]:
    if not isinstance(values, list) or len(values) != len(ACTIONS):
        raise ValueError(f"{len(ACTIONS)} values a state are needed")
    numbers = [float(value) for value in values]
    if not all(math.isfinite(number) for number in numbers):
        raise ValueError("a value is not finite")
    return numbers


def _state(name: str) -> str:
    if not is_state(name):
        raise ValueError(f"{name!r} is no state")
    return name
