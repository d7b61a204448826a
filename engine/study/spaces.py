"""What a study varies: axes written by a person, checked against what may be set.

The parameters themselves stand in the tables of the things studied (tunables, hyperparameters); an
axis only says which of their values are tried.
"""

from __future__ import annotations

import itertools
import json
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import msgspec

from engine.errors import StudyError

Config = dict[str, Any]
"""Name of a parameter -> value."""

MOST_VALUES = 100
MOST_CONFIGURATIONS = 10_000


class Parameter(msgspec.Struct, frozen=True):
    """One thing that a study may vary.

    Args:
        name: as the axis names it.
        default: what it is where no axis says otherwise.
        help: what it means.
        low: smallest value of a number.
        high: largest value of a number.
        choices: the values of anything else; empty for numbers.
        whole: whether numbers have no fraction.
        free: whether any text will do, checked only when it is used.
    """

    name: str
    default: Any
    help: str
    low: float | None = None
    high: float | None = None
    choices: tuple[Any, ...] = ()
    whole: bool = False
    free: bool = False


class Axis(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Values of one parameter: listed, or a range (then `values` is empty)."""

    name: str
    values: tuple[Any, ...] = ()
    low: float | None = None
    high: float | None = None
    log: bool = False
    whole: bool = False


def parse_axis(text: str) -> tuple[str, Any]:
    """Read `name=1,2,3` or `name=0.01..0.3` (`~log` behind it: on a logarithmic scale).

    Raises:
        StudyError: it is neither, or has a scale that there is not.
    """
    name, equals, right = text.partition("=")
    if not equals or not name.strip() or not right.strip():
        raise StudyError(f"{text!r} is no axis; write name=1,2,3 or name=0.01..0.3~log.")
    span, marked, scale = right.partition("~")
    if ".." in span:
        if marked and scale.strip() != "log":
            raise StudyError(
                f"The scale of {name.strip()} is {scale!r}; write ~log, or leave it out."
            )
        low, _, high = span.partition("..")
        return name.strip(), {"low": _read(low), "high": _read(high), "log": bool(marked)}
    return name.strip(), [_read(one) for one in right.split(",")]


def parse_axes(texts: Iterable[str]) -> dict[str, Any]:
    """Read several axes: name -> list of values, or {"low", "high", "log"}.

    Raises:
        StudyError: one is no axis, or two are of the same parameter.
    """
    found: dict[str, Any] = {}
    for name, values in map(parse_axis, texts):
        if name in found:
            raise StudyError(f"{name} is varied twice; write all its values in one axis.")
        found[name] = values
    return found


def axes_of(given: Mapping[str, Any], known: Mapping[str, Parameter]) -> tuple[Axis, ...]:
    """The axes of a study.

    Args:
        given: name -> list of values, or {"low", "high", "log"}.
        known: what may be varied.

    Raises:
        StudyError: an unknown name, or a value outside the parameter's range.
    """
    if not given:
        raise StudyError("A study varies something; give an axis such as learning_rate=0.05,0.1.")
    return tuple(_axis(name, one, known) for name, one in given.items())


def grid(axes: Sequence[Axis]) -> list[Config]:
    """Every combination, the last axis fastest.

    Raises:
        StudyError: an axis is a range, or there are too many combinations.
    """
    for axis in axes:
        if not axis.values:
            raise StudyError(
                f"{axis.name} is a range, which a grid cannot go through; list its values, or use "
                "the sampler random or tpe."
            )
    size = math.prod(len(axis.values) for axis in axes)
    if size > MOST_CONFIGURATIONS:
        raise StudyError(f"The grid has {size} configurations; at most {MOST_CONFIGURATIONS}.")
    names = [axis.name for axis in axes]
    combined = itertools.product(*(axis.values for axis in axes))
    return [dict(zip(names, values, strict=True)) for values in combined]


def check_value(name: str, value: Any, known: Mapping[str, Parameter]) -> Any:  # noqa: ANN401
    """The value in the parameter's own kind.

    Raises:
        StudyError: no such parameter, or the value does not fit.
    """
    parameter = known.get(name)
    if parameter is None:
        raise StudyError(f"{name!r} cannot be studied here; choose among: {', '.join(known)}.")
    if parameter.choices:
        if value in parameter.choices:
            return value
        raise StudyError(
            f"{name} is {value!r}; choose one of: {', '.join(map(str, parameter.choices))}."
        )
    if parameter.free:
        if isinstance(value, bool) or not isinstance(value, str | int | float):
            raise StudyError(f"{name} is {value!r}; give text or a number.")
        return value
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise StudyError(f"{name} is {value!r}; give a number.")
    low, high = parameter.low, parameter.high
    if (low is not None and value < low) or (high is not None and value > high):
        raise StudyError(f"{name} is {value:g}; give a number from {low:g} to {high:g}.")
    if parameter.whole and value != int(value):
        raise StudyError(f"{name} is {value:g}; give a whole number.")
    return int(value) if parameter.whole else value


def _axis(name: str, given: Any, known: Mapping[str, Parameter]) -> Axis:  # noqa: ANN401
    check: Callable[[Any], Any] = lambda value: check_value(name, value, known)  # noqa: E731
    if isinstance(given, Mapping):
        if strange := set(given) - {"low", "high", "log"}:
            raise StudyError(f"The range of {name} has no {sorted(strange)[0]!r}; give low, high.")
        low, high = check(given.get("low")), check(given.get("high"))
        parameter = known[name]
        if parameter.choices or parameter.free:
            raise StudyError(f"{name} is no number; list its values, such as {name}=a,b.")
        if not low < high or (given.get("log") and low <= 0):
            raise StudyError(
                f"The range of {name} is {low:g}..{high:g}; give a smaller number first, and on a "
                "logarithmic scale one above 0."
            )
        log = bool(given.get("log"))
        return Axis(name, (), low, high, log, parameter.whole)
    values = given if isinstance(given, list | tuple) else [given]
    checked = tuple(dict.fromkeys(check(value) for value in values))
    if not 1 <= len(checked) <= MOST_VALUES:
        raise StudyError(f"{name} has {len(checked)} values; give 1 to {MOST_VALUES}.")
    return Axis(name, checked)


def _read(text: str) -> Any:  # noqa: ANN401 - a number, or the text as it is
    try:
        return json.loads(text)
    except ValueError:
        return text.strip()
