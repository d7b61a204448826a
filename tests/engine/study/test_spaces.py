"""Axes as people write them, checked against what may be set."""

from __future__ import annotations

from typing import Any

import pytest

from engine.agent.discretiser import DETAILS
from engine.errors import StudyError
from engine.study.agent_kind import AgentKind
from engine.study.spaces import axes_of, check_value, grid, parse_axes, parse_axis
from engine.study.trainer_kind import TrainerKind, train_options
from engine.tunables import TUNABLES

AGENT = AgentKind.parameters()


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("discount=0,0.5", ("discount", [0, 0.5])),
        ("detail=full,no trend", ("detail", ["full", "no trend"])),
        ("learning_rate=0.01..0.3~log", ("learning_rate", {"low": 0.01, "high": 0.3, "log": True})),
    ],
)
def test_an_axis_is_a_list_or_a_range(text: str, read: object) -> None:
    assert parse_axis(text) == read


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"learning_rate": [5]}, "learning_rate is 5; give a number from 0.001 to 1."),
        ({"speed": [1]}, "'speed' cannot be studied here"),
        ({"detail": ["fine"]}, "detail is 'fine'; choose one of: full"),
        ({"discount": {"low": 0.5, "high": 0.1}}, "give a smaller number first"),
        ({"discount": {"low": 0, "high": 0.1, "log": True}}, "logarithmic scale one above 0"),
        ({"detail": {"low": 0, "high": 1}}, "choose one of"),
        ({"learning_rate": ["quick"]}, "learning_rate is 'quick'; give a number."),
        ({}, "A study varies something"),
    ],
)
def test_nonsense_is_refused_in_one_sentence(given: dict[str, Any], told: str) -> None:
    with pytest.raises(StudyError) as refused:
        axes_of(given, AGENT)
    assert told in str(refused.value)


@pytest.mark.parametrize(
    ("texts", "told"),
    [
        (["discount=0.1..0.5~lgo"], "The scale of discount is 'lgo'; write ~log"),
        (["discount=0.1", "discount=0.2"], "discount is varied twice"),
        (["discount"], "'discount' is no axis"),
    ],
)
def test_axes_that_say_something_else_than_they_seem_to_are_refused(
    texts: list[str], told: str
) -> None:
    with pytest.raises(StudyError) as refused:
        parse_axes(texts)
    assert told in str(refused.value)


@pytest.mark.parametrize("value", [[1], {"a": 1}, None, True])
def test_free_text_is_text_or_a_number(value: object) -> None:
    with pytest.raises(StudyError, match=r"cache_size is .*; give text or a number\."):
        axes_of({"cache_size": [value]}, TrainerKind.parameters())


def test_a_grid_is_every_combination_and_needs_listed_values() -> None:
    axes = axes_of({"learning_rate": [0.1, 0.2], "discount": [0, 0.5, 0.9]}, AGENT)
    found = grid(axes)
    assert len(found) == 6
    assert found[1] == {"learning_rate": 0.1, "discount": 0.5}
    with pytest.raises(StudyError, match="a grid cannot go through"):
        grid(axes_of({"discount": {"low": 0.1, "high": 0.5}}, AGENT))


def test_everything_that_makes_the_agent_learn_may_be_varied() -> None:
    wanted = {"learning_rate", "exploration", "exploration_decay", "discount", "detail"}
    assert wanted <= set(AGENT)
    assert not {"mode", "hold", "agent"} & set(AGENT)
    assert tuple(DETAILS) == TUNABLES["agent.detail"].choices


def test_a_configuration_of_the_trainer_becomes_a_training() -> None:
    known = TrainerKind.parameters()
    config = {
        "algorithm": "dqn",
        "columns": "a+b",
        "weight.load_time_ms": 2.0,
        "weight.hit": 0.0,
        "learning_rate": 0.001,
        "dqn.gamma": 0.5,
    }
    for name, value in config.items():
        assert check_value(name, value, known) == value
    made = train_options(config, 3)
    assert (made.algorithm, made.columns, made.seeds) == ("dqn", ("a", "b"), (3,))
    assert made.cache_weights == {"load_time_ms": 2.0}
    assert made.hyperparameters == {"learning_rate": 0.001, "dqn.gamma": 0.5}
