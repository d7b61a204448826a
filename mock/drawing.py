"""Drawing one request from a catalogue: operations by weight, values by Zipf, dates by recency."""

from __future__ import annotations

import itertools
import math
import random
from bisect import bisect
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import NamedTuple
from urllib.parse import quote

from mock.openapi import Catalogue, Operation, Parameter

SPANS = ((1, 0.45), (7, 0.35), (30, 0.2))
"""Days that a range covers, and the share of ranges that do."""

OLDEST = 44
"""Days back from today that a range may begin."""

_AGAIN = 0.3
"""A range ends k days ago with a probability that falls by this factor with each day."""

SKEW = 1.3
"""Zipf exponent of a parameter's values."""

_GIVEN = 0.5
"""Share of requests that give an optional parameter."""

Weights = tuple[float, ...]


class Draw(NamedTuple):
    """One request to make: its operation, the values chosen, and path plus query."""

    operation: Operation
    values: dict[str, str]
    target: str


def make(operation: Operation, values: dict[str, str]) -> Draw:
    """Put values into an operation's path and query."""
    path, query = operation.path, []
    for parameter in operation.parameters:
        value = values.get(parameter.name)
        if value is None:
            continue
        if parameter.place == "path":
            path = path.replace(f"{{{parameter.name}}}", quote(value, safe=""))
        else:
            query.append(f"{quote(parameter.name)}={quote(value, safe='')}")
    return Draw(operation, values, f"{path}?{'&'.join(query)}" if query else path)


class Sampler:
    """Draws requests of one catalogue. Weights are cumulative over its operations."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._operations = catalogue.operations
        self.count = len(self._operations)
        self._fixed = _cumulative([operation.weight for operation in self._operations])
        self._made: dict[tuple[int, ...], Weights] = {}

    def draw(self, chance: random.Random, at: float, weights: Weights | None = None) -> Draw:
        """A request with its operation drawn by weight."""
        cumulative = weights or self._fixed
        return self.draw_one(chance, at, bisect(cumulative, chance.random() * cumulative[-1]))

    def draw_one(self, chance: random.Random, at: float, number: int) -> Draw:
        """A request of operation `number`."""
        operation = self._operations[min(number, self.count - 1)]
        first, last = _range(chance)
        values: dict[str, str] = {}
        for parameter in operation.parameters:
            if parameter.kind != "choice":
                values[parameter.name] = _date(parameter, at, first, last)
            elif parameter.required or chance.random() < _GIVEN:
                values[parameter.name] = parameter.values[_rank(chance, len(parameter.values))]
        return make(operation, values)

    def swung(self, phase: float) -> Weights:
        """Weights at a phase of the day: each operation has its own busy hour."""
        return self._keep(
            (0, round(phase * 1000)),
            lambda: [
                o.weight * (1 + 0.8 * _swing(phase - number / self.count))
                for number, o in enumerate(self._operations)
            ],
        )

    def shuffled(self, *seed: int) -> Weights:
        """Weights dealt anew to the operations; equal seeds deal equally."""

        def deal() -> list[float]:
            weights = [operation.weight for operation in self._operations]
            random.Random(f"deal/{seed}").shuffle(weights)
            return weights

        return self._keep((1, *seed), deal)

    def everything(self) -> Iterator[Callable[[float], Draw]]:
        """Every combination of values over every day, again and again."""
        wide = [o for o in self._operations if o.parameters] or list(self._operations)
        while True:
            for operation in wide:
                yield from _combinations(operation)

    def _keep(self, key: tuple[int, ...], weigh: Callable[[], list[float]]) -> Weights:
        found = self._made.get(key)
        if found is None:
            if len(self._made) > 500:
                self._made.clear()
            found = self._made[key] = _cumulative(weigh())
        return found


def _combinations(operation: Operation) -> Iterator[Callable[[float], Draw]]:
    dated = any(parameter.kind != "choice" for parameter in operation.parameters)
    chosen = [parameter for parameter in operation.parameters if parameter.kind == "choice"]
    for days in range(OLDEST if dated else 1):
        for values in itertools.product(*(parameter.values for parameter in chosen)):
            picked = dict(zip((p.name for p in chosen), values, strict=True))

            def at_time(at: float, days: int = days, picked: dict[str, str] = picked) -> Draw:
                dates = {
                    p.name: _date(p, at, days, days)
                    for p in operation.parameters
                    if p.kind != "choice"
                }
                return make(operation, picked | dates)

            yield at_time


def _range(chance: random.Random) -> tuple[int, int]:
    """First and last day of a range, in days ago."""
    pick, span = chance.random(), SPANS[-1][0]
    for days, share in SPANS:
        if pick < share:
            span = days
            break
        pick -= share
    last = 0
    while chance.random() < _AGAIN and last < OLDEST - span:
        last += 1
    return last + span - 1, last


def _date(parameter: Parameter, at: float, first: int, last: int) -> str:
    day = _day(int(at // 86400)) - timedelta(days=first if parameter.kind == "first" else last)
    return f"{day.isoformat()}T00:00:00Z" if parameter.timed else day.isoformat()


@lru_cache(maxsize=64)
def _day(number: int) -> date:
    return datetime.fromtimestamp(number * 86400, UTC).date()


def _rank(chance: random.Random, count: int) -> int:
    cumulative = _zipf(count)
    return bisect(cumulative, chance.random() * cumulative[-1], hi=count - 1)


@lru_cache(maxsize=256)
def _zipf(count: int) -> Weights:
    return _cumulative([rank**-SKEW for rank in range(1, count + 1)])


def _cumulative(weights: Sequence[float]) -> Weights:
    return tuple(itertools.accumulate(weights))


def _swing(phase: float) -> float:
    return math.cos(2 * math.pi * phase)
