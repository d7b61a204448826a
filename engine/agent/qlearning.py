"""Tabular Q-learning with epsilon-greedy exploration.

Watkins, C. J. C. H. (1989), Learning from Delayed Rewards, PhD thesis, King's College Cambridge;
Watkins and Dayan (1992), Q-learning, Machine Learning 8, 279-292:

    Q(s, a) <- Q(s, a) + rate x (r + discount^k x max Q(s', .) - Q(s, a))

with k = 1 unless intervals were skipped between the two decisions.
"""

from __future__ import annotations

import json
import random

from engine.agent.base import ACTIONS, Agent, Choice, Observation, Transition
from engine.agent.discretiser import VERSION, describe, discretise
from engine.agent.qtable import ALL, QTable, pooled
from engine.agent.words import ACTION_WORDS
from engine.errors import CheckpointError
from engine.records import Action
from engine.tunables import Tuned

EXPLORED = (Action.KEEP_SHORT, Action.KEEP_LONG, Action.KEEP_REFRESH)
"""What is tried at random. Not keeping earns exactly nothing, so trying it teaches nothing."""

PREFERRED = (Action.KEEP_LONG, Action.KEEP_SHORT, Action.KEEP_REFRESH, Action.DROP)
"""Which of equally valued actions is taken: the one closest to plain LRU."""

_INDEX = {action: place for place, action in enumerate(ACTIONS)}


class QLearning(Agent):
    """One value per endpoint, state and action, learned from rewards (`engine.agent.qtable`).

    Args:
        seed: for repeatable runs; None draws one.
    """

    name = "qlearning"

    def __init__(self, seed: int | None = None) -> None:
        self._random = random.Random(seed)  # noqa: S311 - exploration needs no cryptography
        self._q = QTable()
        self._decay_steps = 0
        self.steps = 0
        self.tune(Tuned())

    @property
    def table(self) -> dict[str, tuple[float, ...]]:
        """State -> values in the order of ACTIONS, learned over all endpoints together."""
        return {state: tuple(values) for state, values in self._q.tables[ALL].items()}

    @property
    def exploration(self) -> float:
        """The chance that the next choice is a random one: it decays from decision to decision."""
        decayed = self._start * self._decay**self._decay_steps
        return max(self._least, decayed) if self._start > self._least else self._start

    def decide(self, observation: Observation) -> Choice:
        """Choose the best known action, or with the chance `exploration` any that keeps."""
        return self.decide_in(discretise(observation, self._detail), observation.cache_name)

    def decide_in(self, state: str, cache_name: str = ALL) -> Choice:
        """As `decide`, for a state that is given."""
        epsilon = self.exploration
        values = self._q.values(state, cache_name)
        explored = self._random.random() < epsilon
        self._decay_steps += 1
        if explored:
            action = self._random.choice(EXPLORED)
            reason = f"explored (chance {epsilon:.0%}): {ACTION_WORDS[action]} while "
        else:
            best = max(values)
            action = next(a for a in PREFERRED if values[_INDEX[a]] == best)
            reason = f"{ACTION_WORDS[action]} is valued highest ({best:+.2f}) when "
        return Choice(action, state, tuple(values), explored, reason + describe(state))

    def learn(self, transition: Transition) -> None:
        """Move the value of the action taken towards reward plus discounted best next value."""
        name, state = transition.cache_name, transition.state
        tables = (
            [(state, name), (pooled(state), name), (state, ALL)] if name != ALL else [(state, ALL)]
        )
        for of_state, of_name in tables:
            self._q.move(
                of_state,
                of_name,
                _INDEX[transition.action],
                self._target(transition, of_name),
                self._rate,
            )
        self.steps += 1

    def _target(self, transition: Transition, cache_name: str) -> float:
        target = transition.reward * self._weights[_INDEX[transition.action]]
        if transition.next_state is not None:
            best = max(self._q.values(transition.next_state, cache_name))
            target += self._discount**transition.intervals * best
        return target

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
        self._detail = tuned.text("agent.detail")
        self._weights = [tuned.number(f"agent.weight.{action.value}") for action in ACTIONS]

    def save(self) -> str:
        """The tables, visits and progress of exploration, as JSON."""
        return json.dumps(
            {
                "agent": self.name,
                "bins": VERSION,
                "actions": [action.value for action in ACTIONS],
                "steps": self.steps,
                "decay_steps": self._decay_steps,
                "start": self._start,
                **self._q.content(),
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
            q = QTable.of(content)
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
        self._q = q
        self.steps = steps
        self._decay_steps = decay_steps if start == self._start else 0
