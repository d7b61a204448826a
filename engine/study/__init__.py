"""Hyperparameter studies: configurations, each run with several seeds, held against each other.

A study is a plan; a trial is one configuration; a run is one seed of a trial. Listing these tables
imports no member.
"""

from __future__ import annotations

KINDS: dict[str, str] = {
    "agent": "engine.study.agent_kind:AgentKind",
    "trainer": "engine.study.trainer_kind:TrainerKind",
}
"""Name -> what is studied."""

SAMPLERS: tuple[str, ...] = ("grid", "random", "tpe")
"""How configurations are chosen: all of a grid, at random, or by what has done well so far."""
