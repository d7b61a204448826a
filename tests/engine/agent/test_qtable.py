"""What the agent believes before it has learned, and how lessons spread."""

from __future__ import annotations

import subprocess
import sys

import pytest

from engine.agent.base import ACTIONS, Transition
from engine.agent.qlearning import QLearning
from engine.agent.qtable import ALL, MOST_ENDPOINTS, QTable
from engine.records import Action
from engine.tunables import Tuned

DROP, SHORT, LONG, REFRESH = (ACTIONS.index(action) for action in Action)
STATE, OTHER_STATE = "3.1.2.0", "1.1.2.2"  # of the same load time


def quiet(seed: int = 1) -> QLearning:
    """An agent that never explores."""
    agent = QLearning(seed)
    agent.tune(Tuned({"agent.exploration": 0.0, "agent.exploration_min": 0.0}))
    return agent


def test_an_agent_that_knows_nothing_keeps_long_as_plain_lru_does() -> None:
    agent = quiet()
    for state in (STATE, OTHER_STATE):
        assert agent.decide_in(state, "/a").action is Action.KEEP_LONG


def test_one_bad_interval_of_keeping_long_turns_it_neither_to_dropping_nor_to_keeping_short() -> (
    None
):
    """A cold cache pays for no way of keeping, so it speaks against none of them."""
    agent = quiet()
    agent.learn(Transition(STATE, Action.KEEP_LONG, 0.02, None, cache_name="/a"))
    values = agent.decide_in(STATE, "/a").q_values
    assert values[LONG] == pytest.approx((0.15 + 0.02) / 2)
    assert values[LONG] - values[SHORT] == pytest.approx(0.05)
    assert agent.decide_in(STATE, "/a").action is Action.KEEP_LONG


def test_what_loses_by_every_way_of_keeping_is_dropped_soon() -> None:
    agent = quiet()
    for _ in range(12):
        choice = agent.decide_in(STATE, "/a")
        reward = 0.0 if choice.action is Action.DROP else -0.5
        agent.learn(Transition(STATE, choice.action, reward, STATE, cache_name="/a"))
    assert agent.decide_in(STATE, "/a").action is Action.DROP
    assert agent.decide_in(STATE, "/b").action is not Action.KEEP_LONG, "others learn from it"


def test_a_new_state_starts_from_what_its_endpoint_taught() -> None:
    agent = quiet()
    agent.learn(Transition(STATE, Action.KEEP_SHORT, 0.9, None, cache_name="/a"))
    agent.learn(Transition(STATE, Action.KEEP_LONG, 0.1, None, cache_name="/a"))
    agent.learn(Transition(OTHER_STATE, Action.KEEP_LONG, 0.9, None, cache_name="/b"))
    assert agent.decide_in(OTHER_STATE, "/a").action is Action.KEEP_SHORT


def test_what_was_dropped_while_loads_were_cheap_is_kept_again_when_they_become_dear() -> None:
    agent = quiet()
    for _ in range(20):
        choice = agent.decide_in("4.1.1.0", "/a")
        reward = 0.0 if choice.action is Action.DROP else -0.4
        agent.learn(Transition("4.1.1.0", choice.action, reward, None, cache_name="/a"))
    assert agent.decide_in("4.1.1.0", "/a").action is Action.DROP
    assert agent.decide_in("2.0.1.0", "/a").action is Action.DROP, "as cheap as before"
    assert agent.decide_in("4.1.5.0", "/a").action is Action.KEEP_LONG


def test_not_keeping_is_never_tried_at_random_and_all_else_is() -> None:
    agent = QLearning(seed=2)
    agent.tune(Tuned({"agent.exploration": 1.0, "agent.exploration_min": 1.0}))
    tried = {agent.decide_in(STATE).action for _ in range(200)}
    assert tried == {Action.KEEP_SHORT, Action.KEEP_LONG, Action.KEEP_REFRESH}


def test_the_first_lessons_are_averaged_and_later_ones_fade() -> None:
    q = QTable()
    for target in (0.9, 0.3):
        q.move(STATE, ALL, LONG, target, 0.1)
    assert q.values(STATE)[LONG] == pytest.approx((0.15 + 0.9 + 0.3) / 3)
    for _ in range(400):
        q.move(STATE, ALL, LONG, -0.4, 0.1)
    assert q.values(STATE)[LONG] == pytest.approx(-0.4, abs=0.001)


def test_past_the_limit_the_first_endpoint_learned_gives_way() -> None:
    q = QTable()
    for number in range(MOST_ENDPOINTS + 3):
        q.move(STATE, f"/{number}", LONG, 0.5, 0.1)
    assert len(q.tables) == len(q.visits) == MOST_ENDPOINTS + 1
    assert "/0" not in q.tables
    assert f"/{MOST_ENDPOINTS + 2}" in q.tables


def test_equal_seeds_learn_alike_in_every_process() -> None:
    program = (
        "from engine.agent.base import Transition; from engine.agent.qlearning import QLearning\n"
        "a = QLearning(1)\n"
        "for n in range(60):\n"
        "    c = a.decide_in(f'{n % 5}.1.2.0', '/a')\n"
        "    a.learn(Transition(c.state, c.action, n % 7 / 7, '2.1.2.0', cache_name='/a'))\n"
        "print(a.save())"
    )
    said = {
        subprocess.run(
            [sys.executable, "-c", program],
            env={"PYTHONHASHSEED": seed, "PYTHONPATH": "."},
            capture_output=True,
            text=True,
            check=True,
            timeout=60,
        ).stdout
        for seed in ("1", "2", "3")
    }
    assert len(said) == 1
