"""A secret is shown nowhere, and is worth its text everywhere else."""

from __future__ import annotations

import copy
import pickle

import pytest

from engine.secret import Secret


@pytest.mark.parametrize("shown", [repr, str, "{}".format, "{!r}".format, lambda s: str([s])])
def test_no_way_of_printing_shows_the_text(shown: object) -> None:
    assert callable(shown)
    assert "hunter2" not in shown(Secret("hunter2"))
    assert shown(Secret("hunter2")) != shown(Secret()), "whether one is set may be told"


def test_the_text_is_given_away_when_asked_for() -> None:
    assert Secret("hunter2").reveal() == "hunter2"
    assert Secret().reveal() == ""


def test_secrets_are_equal_by_their_text_alone() -> None:
    assert Secret("a") == Secret("a") != Secret("b")
    assert Secret("a") != "a"
    assert {Secret("a"): 1}[Secret("a")] == 1


def test_a_secret_travels_to_other_processes() -> None:
    assert pickle.loads(pickle.dumps(Secret("a"))) == Secret("a")  # noqa: S301 - our own bytes
    assert copy.deepcopy(Secret("a")) == Secret("a")
