"""Which value of a parameter is better over all that else was varied.

Runs of one value are those of all its configurations; the configurations are strata: a resample
draws seeds anew within each, and two values meet only where all else is equal.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from engine.study.statistics import Comparison, Interval, compare_strata, stratified

MOST_VALUES = 12
"""Of a parameter with more of them each has too few configurations to say anything."""

Runs = Mapping[int, float]
"""Seed -> objective."""


class Valued(NamedTuple):
    """One value of a parameter.

    Args:
        name: of the parameter.
        value: of it.
        middle: interquartile mean over the runs of all its configurations, with its interval.
        over: it held against the next one in the ranking; None for the last, or where the two have
            no configuration of equal conditions.
        trials: configurations.
        runs: their runs.
    """

    name: str
    value: Any
    middle: Interval
    over: Comparison | None
    trials: int
    runs: int


def ranked(
    name: str, configs: Mapping[int, Mapping[str, Any]], runs: Mapping[int, Runs]
) -> list[Valued]:
    """The values of one parameter, the best first; empty where none has two configurations.

    Args:
        name: of the parameter.
        configs: trial -> its configuration.
        runs: trial -> its runs.
    """
    groups: dict[Any, dict[str, Runs]] = {}
    for trial, config in configs.items():
        if name in config and runs.get(trial):
            rest = {key: value for key, value in config.items() if key != name}
            groups.setdefault(config[name], {})[json.dumps(rest, sort_keys=True)] = runs[trial]
    several = any(len(strata) > 1 for strata in groups.values())
    if not 2 <= len(groups) <= MOST_VALUES or not several:
        return []
    middles = {
        value: stratified([list(one.values()) for one in strata.values()])
        for value, strata in groups.items()
    }
    order = sorted(groups, key=lambda value: -middles[value].value)
    found = []
    for place, value in enumerate(order):
        strata = groups[value]
        below = groups[order[place + 1]] if place + 1 < len(order) else {}
        pairs = [(strata[key], below[key]) for key in strata.keys() & below.keys()]
        count = sum(map(len, strata.values()))
        over = compare_strata(pairs)
        found.append(Valued(name, value, middles[value], over, len(strata), count))
    return found


def told(found: Sequence[Valued]) -> list[dict[str, Any]]:
    """Rows of tables and JSON; a figure that nothing tells is None."""
    return [
        {
            "name": one.name,
            "value": one.value,
            "objective": one.middle.value,
            "low": _known(one.middle.low),
            "high": _known(one.middle.high),
            "improvement": one.over.improvement.value if one.over else None,
            "improvement_low": _known(one.over.improvement.low) if one.over else None,
            "improvement_high": _known(one.over.improvement.high) if one.over else None,
            "distinguishable": bool(one.over and one.over.distinguishable),
            "trials": one.trials,
            "runs": one.runs,
        }
        for one in found
    ]


def _known(figure: float) -> float | None:
    return None if math.isnan(figure) else figure
