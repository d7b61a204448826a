"""What every registered agent keeps to."""

from __future__ import annotations

import json
import math
import random

import pytest

from engine.agent import AGENTS
from engine.agent.base import ACTIONS, Agent, Observation, Transition
from engine.agent.discretiser import is_state
from engine.errors import CheckpointError
from engine.records import Action
from engine.registry import resolve
from engine.tunables import Tuned


@pytest.fixture(params=sorted(AGENTS))
def agent(request: pytest.FixtureRequest) -> Agent:
    made: Agent = resolve(AGENTS, request.param, "agent")()
    assert made.name == request.param
    return made


def observations(count: int) -> list[Observation]:
    chance = random.Random(7)
    corners = [0.0, 0.1, 1.0, 1e9]
    drawn = [
        Observation(
            chance.choice(corners), chance.uniform(-1, 5), chance.choice(corners), chance.random()
        )
        for _ in range(count)
    ]
    return [*drawn, Observation(0.0, -1.0, 0.0, 0.0), Observation(1e12, 1e12, 1e12, 1.0)]


def live(agent: Agent, count: int) -> None:
    for observation in observations(count):
        choice = agent.decide(observation)
        agent.learn(Transition(choice.state, choice.action, 0.5, choice.state))


def test_it_decides_for_every_observation_with_a_reason(agent: Agent) -> None:
    for observation in observations(300):
        choice = agent.decide(observation)
        assert choice.action in Action
        assert is_state(choice.state)
        assert len(choice.state) <= 40
        assert len(choice.q_values) == len(ACTIONS)
        assert all(map(math.isfinite, choice.q_values))
        assert 0 < len(choice.reason) <= 300


def test_it_counts_what_it_learned_from(agent: Agent) -> None:
    live(agent, 50)
    assert agent.steps == 52


def test_its_state_is_json_and_comes_back(agent: Agent) -> None:
    live(agent, 100)
    state = agent.save()
    json.loads(state)
    fresh: Agent = resolve(AGENTS, agent.name, "agent")()
    fresh.restore(state)
    assert fresh.save() == state
    assert fresh.steps == agent.steps


@pytest.mark.parametrize("damaged", ["", "{", "[]", "null", '{"agent": "another", "steps": 1}'])
def test_a_damaged_state_is_refused_and_nothing_changes(agent: Agent, damaged: str) -> None:
    live(agent, 20)
    before = agent.save()
    with pytest.raises(CheckpointError, match="afresh"):
        agent.restore(damaged)
    assert agent.save() == before


def test_new_tunables_lose_nothing_learned(agent: Agent) -> None:
    live(agent, 50)
    agent.tune(Tuned({"agent.learning_rate": 0.9, "agent.discount": 0.1}))
    assert agent.steps == 52
    assert 0.0 <= agent.exploration <= 1.0
