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

_INDEX = {action: place for place, action in enumerate(ACTIONS)}
_WORDS = {
    Action.DROP: "do not keep",
    Action.KEEP_SHORT: "keep short",
    Action.KEEP_LONG: "keep long",
    Action.KEEP_REFRESH: "keep and refresh ahead",
}


class QLearning(Agent):
    """One value per state and action, learned from rewards.

    Untried states start from the mean of what each action earned so far over all states, so that
    the first choice in a new state is the one that is best on the whole.

    Args:
        seed: for repeatable runs; None draws one.
    """

    name = "qlearning"

    def __init__(self, seed: int | None = None) -> None:
        self._random = random.Random(seed)  # noqa: S311 - exploration needs no cryptography
        self._table: dict[str, list[float]] = {}
        self._visits: dict[str, list[int]] = {}
        self._prior = [0.0] * len(ACTIONS)
        self._decay_steps = 0
        self.steps = 0
        self.tune(Tuned())

    @property
    def table(self) -> dict[str, tuple[float, ...]]:
        """State -> values in the order of ACTIONS."""
        return {state: tuple(values) for state, values in self._table.items()}

    @property
    def exploration(self) -> float:
        """The chance that the next choice is random: it decays from decision to decision."""
        decayed = self._start * self._decay**self._decay_steps
        return max(self._least, decayed) if self._start > self._least else self._start

    def decide(self, observation: Observation) -> Choice:
        """Choose the best known action, or with the chance `exploration` any of them."""
        return self.decide_in(discretise(observation))

    def decide_in(self, state: str) -> Choice:
        """As `decide`, for a state that is given."""
        epsilon = self.exploration
        values = self._values(state)
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
        place = _INDEX[transition.action]
        reward = transition.reward * self._weights[place]
        values = self._table.setdefault(transition.state, self._values(transition.state))
        visits = self._visits.setdefault(transition.state, [0] * len(ACTIONS))
        target = reward
        if transition.next_state is not None:
            best = max(self._values(transition.next_state))
            target += self._discount**transition.intervals * best
        values[place] += self._rate * (target - values[place])
        visits[place] += 1
        self._prior[place] += self._rate / 4 * (target - self._prior[place])
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
                "table": self._table,
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
            table = {_state(name): _numbers(values) for name, values in content["table"].items()}
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
        self._table, self._visits, self._prior = table, visits, prior
        self.steps = steps
        self._decay_steps = decay_steps if start == self._start else 0

    def _values(self, state: str) -> list[float]:
        return list(self._table.get(state, self._prior))


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
