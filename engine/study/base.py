"""What is studied: the parameters it offers, the reference lines, and one run with one seed."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from typing import Any

import msgspec
from sqlalchemy import Engine

from engine.settings import Settings
from engine.study.spaces import Axis, Config, Parameter

Beat = Callable[[], bool]
"""Called several times a second by a run; True: end now."""

SEEDS = 5
"""Runs of a configuration unless said otherwise."""

STALE_S = 60.0
"""A trial whose worker has not beaten for so long is taken over by another one."""

CURVE_POINTS = 100


class Study(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A study as asked for and kept.

    Args:
        name: letters, digits, dashes.
        kind: a row of KINDS.
        axes: what is varied.
        fixed: values of parameters that stay, other than their defaults.
        sampler: one of SAMPLERS.
        seeds: runs of each configuration.
        trials: configurations at most; 0: as many as the time allows.
        minutes: after which no new configuration begins; 0: no limit.
        pruning: whether further seeds of what is clearly worse than the best are saved.
        options: of the kind: where its data come from, what is optimised.
        warm: name of a study whose results the sampler starts from.
        seed: of the sampler.
        stale_s: see STALE_S.
    """

    name: str
    kind: str
    axes: tuple[Axis, ...]
    fixed: dict[str, Any] = {}
    sampler: str = "grid"
    seeds: int = SEEDS
    trials: int = 0
    minutes: float = 0.0
    pruning: bool = False
    options: dict[str, Any] = {}
    warm: str = ""
    seed: int = 0
    stale_s: float = STALE_S


class Result(msgspec.Struct, frozen=True):
    """What one run gave.

    Args:
        objective: the figure that is maximised.
        figures: further ones, by the names of the kind's `figures`.
        curve: (step, value) of the learning curve, at most CURVE_POINTS.
    """

    objective: float
    figures: dict[str, float]
    curve: tuple[tuple[float, float], ...]


class Figure(msgspec.Struct, frozen=True):
    """How a figure of runs is shown: its title, and its format."""

    title: str
    form: str = ",.3f"


class Kind(ABC):
    """One thing that can be studied; a worker keeps it from trial to trial."""

    objective: Figure
    curve: tuple[str, str]
    """Titles of the curve's step and value."""
    figures: Mapping[str, Figure]

    def __init__(self, settings: Settings, store: Engine) -> None:
        self.settings = settings
        self.store = store

    @classmethod
    @abstractmethod
    def parameters(cls) -> dict[str, Parameter]:
        """What may be varied, by name."""

    @abstractmethod
    def checked(self, options: Mapping[str, Any], config: Config) -> dict[str, Any]:
        """The options complete, with what must not change while the study lasts.

        Raises:
            EngineError: an option, or the configuration made of defaults and fixed values, makes
                no sense.
        """

    @abstractmethod
    def references(self, study: Study, beat: Beat) -> dict[str, float]:
        """Title -> objective of what learns nothing."""

    @abstractmethod
    def run(self, study: Study, config: Config, seed: int, beat: Beat) -> Result:
        """One run.

        Raises:
            Stopped: `beat` said so.
            EngineError: it cannot be done; the sentence becomes the trial's reason.
        """

    def close(self) -> None:  # noqa: B027 - most hold nothing
        """Give back what is held from run to run."""


class Stopped(Exception):  # noqa: N818 - no error: somebody wanted it
    """Raised inside a run that was asked to end; nothing of it is kept."""


def thinned(points: list[tuple[float, float]]) -> tuple[tuple[float, float], ...]:
    """At most CURVE_POINTS of a curve's points, the last one among them."""
    if len(points) <= CURVE_POINTS:
        return tuple(points)
    step = (len(points) - 1) / (CURVE_POINTS - 1)
    return tuple(points[round(place * step)] for place in range(CURVE_POINTS))
