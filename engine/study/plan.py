"""From what a person asks for to a study: everything checked before anything is kept."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import msgspec
from sqlalchemy import Engine

from engine.errors import StudyError
from engine.registry import require, resolve
from engine.settings import Settings
from engine.study import KINDS, SAMPLERS
from engine.study.base import SEEDS, STALE_S, Kind, Study
from engine.study.spaces import axes_of, check_value, grid

MOST_SEEDS = 100
MOST_TRIALS = 10_000
MOST_MINUTES = 60 * 24 * 30
TRIALS = 50
"""Configurations of a study that is no grid, where no budget is given."""

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,39}")


class Wanted(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A study as a person asks for it.

    Args:
        name: letters, digits, dashes; at most 40.
        kind: a row of KINDS.
        vary: parameter -> list of values, or {"low", "high", "log"}.
        fixed: parameter -> value.
        sampler: one of SAMPLERS; empty: grid if all values are listed, else tpe.
        seeds: runs of each configuration.
        trials: configurations; 0: the whole grid, or until the time is over, or TRIALS.
        minutes: budget in time; 0: none.
        pruning: save further seeds of what is clearly worse than the best.
        options: of the kind.
        warm: a past study to start from.
        seed: of the sampler.
        stale_s: after which silence a trial is taken over.
    """

    name: str
    kind: str = "agent"
    vary: dict[str, Any] = {}
    fixed: dict[str, Any] = {}
    sampler: str = ""
    seeds: int = SEEDS
    trials: int = 0
    minutes: float = 0.0
    pruning: bool = False
    options: dict[str, Any] = {}
    warm: str = ""
    seed: int = 0
    stale_s: float = STALE_S


def wanted_of(fields: Mapping[str, Any]) -> Wanted:
    """Read what a job, a request or a form gives.

    Raises:
        StudyError: an unknown field, or one of the wrong kind.
    """
    try:
        return msgspec.convert(dict(fields), Wanted)
    except msgspec.ValidationError as error:
        raise StudyError(f"This study cannot be asked for: {error}.") from None


def planned(wanted: Wanted, settings: Settings, store: Engine) -> Study:
    """The study that is asked for, its data settled.

    Raises:
        EngineError: anything about it makes no sense; one sentence.
    """
    _check(wanted)
    require(KINDS, wanted.kind, "kind of study")
    kind: type[Kind] = resolve(KINDS, wanted.kind, "kind of study")
    known = kind.parameters()
    axes = axes_of(wanted.vary, known)
    fixed = {name: check_value(name, value, known) for name, value in wanted.fixed.items()}
    if twice := {axis.name for axis in axes} & set(fixed):
        raise StudyError(f"{sorted(twice)[0]} is both varied and fixed; choose one.")
    sampler = wanted.sampler or ("grid" if all(axis.values for axis in axes) else "tpe")
    trials = wanted.trials
    if sampler == "grid":
        whole = len(grid(axes))
        trials = min(trials, whole) if trials else whole
    elif not trials and not wanted.minutes:
        trials = TRIALS
    first = {axis.name: axis.values[0] if axis.values else axis.low for axis in axes}
    made = kind(settings, store)
    try:
        options = made.checked(wanted.options, fixed | first)
        for axis in axes:
            # No range says whether these will do.
            for value in axis.values[1:] if known[axis.name].free else ():
                made.checked(options, fixed | first | {axis.name: value})
    finally:
        made.close()
    return Study(
        name=wanted.name,
        kind=wanted.kind,
        axes=axes,
        fixed=fixed,
        sampler=sampler,
        seeds=wanted.seeds,
        trials=trials,
        minutes=wanted.minutes,
        pruning=wanted.pruning,
        options=options,
        warm=wanted.warm,
        seed=wanted.seed,
        stale_s=wanted.stale_s,
    )


def _check(wanted: Wanted) -> None:
    if not _NAME.fullmatch(wanted.name):
        raise StudyError(
            f"The name {wanted.name[:60]!r} is not allowed; use 1 to 40 letters, digits, '_', '-' "
            "and '.', starting with a letter or digit."
        )
    if wanted.sampler and wanted.sampler not in SAMPLERS:
        raise StudyError(
            f"The sampler is {wanted.sampler!r}; choose one of: {', '.join(SAMPLERS)}."
        )
    for name, value, low, high in (
        ("seeds", wanted.seeds, 1, MOST_SEEDS),
        ("trials", wanted.trials, 0, MOST_TRIALS),
        ("minutes", wanted.minutes, 0, MOST_MINUTES),
        ("stale_s", wanted.stale_s, 0.5, 86400),
        ("seed", wanted.seed, 0, 2**31 - 1),
    ):
        if not low <= value <= high:
            raise StudyError(f"{name} is {value:g}; give a number from {low:g} to {high:g}.")
