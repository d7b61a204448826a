"""The Q-table: values per endpoint and state, and where a value comes from before it is learned."""

from __future__ import annotations

import math
from typing import Any

from engine.agent.base import ACTIONS
from engine.agent.discretiser import is_state
from engine.records import Action

MOST_ENDPOINTS = 200
"""Endpoints with a table of their own; past this the first one learned gives way."""

ALL = ""
"""The table that is learned over all endpoints together."""


def pooled(state: str) -> str:
    """The state under which an endpoint's values are kept whatever else but the load time was.

    What staleness costs hangs on how it compares with the load time: with the load times pooled
    too, what was rightly dropped while loads were cheap stayed dropped when they became dear.
    """
    return f"*.*.{state.split('.')[2]}.*"


PRIOR = {
    Action.DROP: 0.0,
    Action.KEEP_SHORT: 0.10,
    Action.KEEP_LONG: 0.15,
    Action.KEEP_REFRESH: 0.0,
}
"""What is expected before anything is learned, as a share of the interval's load time.

Not keeping earns exactly nothing. Plain keeping is expected to pay a little, so that the start
is plain LRU; the lead is small enough for one reward to turn it.
"""

KEEPING = frozenset(place for place, action in enumerate(ACTIONS) if action is not Action.DROP)
"""Places of the actions that keep."""

Values = list[float]
Table = dict[str, Values]
Counts = dict[str, list[int]]


class QTable:
    """Values of ACTIONS by endpoint and state, with how often each was learned from.

    How soon an endpoint's data change is no part of the state but part of its nature, so each
    endpoint has a table of its own. A state that is new to it starts from its values over all
    states with the same load time (`pooled`); where there are none, from the table over all
    endpoints (ALL); that one from PRIOR.
    """

    def __init__(self) -> None:
        self.tables: dict[str, Table] = {ALL: {}}
        self.visits: dict[str, Counts] = {ALL: {}}

    def values(self, state: str, cache_name: str = ALL) -> Values:
        """What each action is worth there, as far as it is known."""
        own, common = self.tables.get(cache_name, {}), self.tables[ALL]
        found = own.get(state) or own.get(pooled(state)) or common.get(state)
        return list(found or PRIOR.values())

    def move(self, state: str, cache_name: str, place: int, target: float, rate: float) -> None:
        """Move one value towards its target by `rate`, or faster while it is little known.

        The n-th lesson moves it by 1 / (n + 1) at least: that is the mean of the lessons and of
        the value it started from. What keeps and was not tried yet moves along: an interval in
        which keeping pays little, as with a cold cache, says nothing for another way of keeping.
        """
        if cache_name not in self.tables and len(self.tables) > MOST_ENDPOINTS:
            oldest = next(name for name in self.tables if name != ALL)
            del self.tables[oldest]
            self.visits.pop(oldest, None)
        start = self.values(state, cache_name)
        values = self.tables.setdefault(cache_name, {}).setdefault(state, start)
        visits = self.visits.setdefault(cache_name, {}).setdefault(state, [0] * len(ACTIONS))
        visits[place] += 1
        moved = max(rate, 1.0 / (visits[place] + 1)) * (target - values[place])
        values[place] += moved
        for other in KEEPING - {place}:
            if place in KEEPING and not visits[other]:
                values[other] += moved

    def content(self) -> dict[str, Any]:
        """Everything, in JSON's types."""
        return {
            "table": self.tables[ALL],
            "endpoints": {name: one for name, one in self.tables.items() if name != ALL},
            "visits": self.visits,
        }

    @classmethod
    def of(cls, content: dict[str, Any]) -> QTable:
        """Build it from `content`.

        Raises:
            ValueError, TypeError, KeyError, AttributeError: it is not what `content` gave.
        """
        made = cls()
        made.tables = {ALL: _table(content["table"])}
        made.tables |= {str(name): _table(one) for name, one in content["endpoints"].items()}
        made.visits = {str(name): _counts(one) for name, one in content["visits"].items()}
        made.visits.setdefault(ALL, {})
        return made


def _table(values: dict[str, object]) -> Table:
    return {_state(name): _numbers(numbers) for name, numbers in values.items()}


def _counts(values: dict[str, object]) -> Counts:
    counts = {_state(name): [int(n) for n in _numbers(one)] for name, one in values.items()}
    if any(number < 0 for one in counts.values() for number in one):
        raise ValueError("a number of visits is below 0")
    return counts


def _numbers(values: object) -> Values:
    if not isinstance(values, list) or len(values) != len(ACTIONS):
        raise ValueError(f"{len(ACTIONS)} values a state are needed")
    numbers = [float(value) for value in values]
    if not all(math.isfinite(number) for number in numbers):
        raise ValueError("a value is not finite")
    return numbers


def _state(name: str) -> str:
    if not is_state(name.replace("*", "0")):
        raise ValueError(f"{name!r} is no state")
    return name
