"""Q-learning against values that can be worked out by hand."""

from __future__ import annotations

import json
import random
from collections.abc import Callable

import pytest

from engine.agent.base import ACTIONS, Observation, Transition
from engine.agent.qlearning import QLearning
from engine.errors import CheckpointError
from engine.records import Action
from engine.tunables import Tuned

CHAIN = [f"{place}.0.0.0" for place in range(5)]
DISCOUNT = 0.9


def tuned(**values: object) -> Tuned:
    return Tuned({f"agent.{name.replace('__', '.')}": value for name, value in values.items()})


def step(place: int, action: Action) -> tuple[float, int]:
    """KEEP_LONG walks right, all else left; arriving at the right end pays 1 and starts anew."""
    if action is not Action.KEEP_LONG:
        return 0.0, max(place - 1, 0)
    return (1.0, 0) if place == 4 else (0.0, place + 1)


def chain_q_star() -> list[list[float]]:
    """Q* of the chain by value iteration, from the definition."""
    q = [[0.0] * len(ACTIONS) for _ in CHAIN]
    for _ in range(2000):
        q = [[r + DISCOUNT * max(q[n]) for r, n in (step(p, a) for a in ACTIONS)] for p in range(5)]
    return q


def test_the_table_converges_to_q_star_of_a_five_state_chain() -> None:
    agent = QLearning(seed=1)
    agent.tune(tuned(learning_rate=0.5, discount=DISCOUNT))
    chance = random.Random(2)
    for _ in range(20_000):
        place, action = chance.randrange(5), chance.choice(ACTIONS)
        reward, arrived = step(place, action)
        agent.learn(Transition(CHAIN[place], action, reward, CHAIN[arrived]))
    for place, wanted in enumerate(chain_q_star()):
        assert agent.table[CHAIN[place]] == pytest.approx(wanted, abs=0.01)


def test_following_its_own_choices_it_walks_to_the_paying_end() -> None:
    agent = QLearning(seed=3)
    agent.tune(tuned(learning_rate=0.5, discount=DISCOUNT, exploration=0.5, exploration_min=0.1))
    place = 0
    for _ in range(5_000):
        choice = agent.decide_in(CHAIN[place])
        reward, arrived = step(place, choice.action)
        agent.learn(Transition(CHAIN[place], choice.action, reward, CHAIN[arrived]))
        place = arrived
    agent.tune(tuned(exploration=0.0, exploration_min=0.0))
    assert {agent.decide_in(state).action for state in CHAIN} == {Action.KEEP_LONG}


@pytest.mark.parametrize("skipped", [1, 2, 5])
def test_skipped_intervals_are_discounted_once_each(skipped: int) -> None:
    agent = QLearning(seed=1)
    agent.tune(tuned(learning_rate=1.0, discount=0.5))
    agent.learn(Transition("1.0.0.0", Action.DROP, 0.8, None))
    agent.learn(Transition("2.0.0.0", Action.KEEP_SHORT, 0.1, "1.0.0.0", intervals=skipped))
    place = ACTIONS.index(Action.KEEP_SHORT)
    best_next = max(agent.table["1.0.0.0"])
    assert best_next == 0.8
    assert agent.table["2.0.0.0"][place] == pytest.approx(0.1 + 0.5**skipped * 0.8)


def test_the_weight_of_an_action_scales_its_reward() -> None:
    agent = QLearning(seed=1)
    agent.tune(tuned(learning_rate=1.0, discount=0.0, weight__keep_long=2.5))
    for action in (Action.KEEP_LONG, Action.KEEP_SHORT):
        agent.learn(Transition("1.0.0.0", action, 0.2, None))
    values = dict(zip(ACTIONS, agent.table["1.0.0.0"], strict=True))
    assert values[Action.KEEP_LONG] == pytest.approx(0.5)
    assert values[Action.KEEP_SHORT] == pytest.approx(0.2)


def test_exploration_decays_to_its_floor_and_a_new_start_begins_anew() -> None:
    agent = QLearning(seed=1)
    agent.tune(tuned(exploration=0.5, exploration_min=0.05, exploration_decay=0.9))
    rates = []
    for _ in range(60):
        rates.append(agent.exploration)
        agent.decide_in(CHAIN[0])
    assert rates[:3] == pytest.approx([0.5, 0.45, 0.405])
    assert rates[-1] == 0.05
    agent.tune(tuned(exploration=0.4, exploration_min=0.05, exploration_decay=0.9))
    assert agent.exploration == 0.4


def test_the_share_of_explored_choices_is_the_exploration_rate() -> None:
    agent = QLearning(seed=5)
    agent.tune(tuned(exploration=0.3, exploration_decay=1.0))
    explored = sum(agent.decide_in(CHAIN[0]).explored for _ in range(4000))
    assert 0.27 < explored / 4000 < 0.33


@pytest.mark.parametrize(
    "damage",
    [
        lambda text: text[: len(text) // 2],
        lambda _: "",
        lambda _: "null",
        lambda text: text.replace('"bins": 1', '"bins": 999'),
        lambda text: text.replace("drop", "throw"),
        lambda text: json.dumps({**json.loads(text), "table": {"9.9.9.9": [0, 0, 0, 0]}}),
        lambda text: json.dumps({**json.loads(text), "table": {"1.0.0.0": [0, 0]}}),
        lambda text: text.replace("0.2", "NaN", 1),
        lambda text: json.dumps({**json.loads(text), "table": []}),
        lambda text: json.dumps({**json.loads(text), "steps": -4}),
    ],
)
def test_a_damaged_checkpoint_is_refused_in_one_sentence_and_changes_nothing(
    damage: Callable[[str], str],
) -> None:
    agent = QLearning(seed=1)
    agent.tune(tuned(learning_rate=1.0, discount=0.0))
    agent.learn(Transition("1.0.0.0", Action.DROP, 0.2, None))
    before = agent.save()
    assert damage(before) != before
    with pytest.raises(CheckpointError, match=r"^The Q-table's checkpoint .* starts afresh\.$"):
        agent.restore(damage(before))
    assert agent.save() == before


def test_a_restored_agent_chooses_and_learns_like_the_one_that_was_saved() -> None:
    first, second = QLearning(seed=1), QLearning(seed=1)
    chance = random.Random(4)
    for _ in range(200):
        state = chance.choice(CHAIN)
        choice = first.decide_in(state)
        first.learn(Transition(state, choice.action, chance.random(), chance.choice(CHAIN)))
    second.restore(first.save())
    assert second.table == first.table
    assert second.steps == 200
    assert second.exploration == first.exploration
    same = Observation(demand=2.0, trend=0.0, load_time_ms=30.0, held_share=0.2)
    assert second.decide(same).q_values == first.decide(same).q_values
