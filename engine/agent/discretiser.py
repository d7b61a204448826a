"""From an observation to one of 378 states, by fixed bins that a person can read.

Bins are absolute (requests per second, milliseconds), so that a state means the same in every
source and after every restart, and a table learned once stays valid.
"""

from __future__ import annotations

from bisect import bisect_right

from engine.agent.base import Observation

DEMAND = (0.2, 0.5, 1.0, 2.0, 4.0, 15.0)
"""Edges in requests per second."""

TREND = (-0.15, 0.15)
"""Edges of the relative change over the horizon."""

LOAD_TIME_MS = (2.5, 5.0, 10.0, 40.0, 150.0)
"""Edges of the expected load time of a miss."""

HELD = (0.1, 0.5)
"""Edges of the share held."""

DEMAND_WORDS = ("idle", "rare", "occasional", "some", "steady", "busy", "hot")
TREND_WORDS = ("falling", "level", "rising")
LOAD_WORDS = ("trifling", "cheap", "medium", "dear", "very dear", "extremely dear")
HELD_WORDS = ("little", "part", "most")

VERSION = 1
"""Changes with the bins: a checkpoint of other bins means other things by its states."""


_LEVEL, _PART = TREND_WORDS.index("level"), HELD_WORDS.index("part")

DETAILS: dict[str, tuple[tuple[int, int], ...]] = {
    "full": (),
    "no trend": ((1, _LEVEL),),
    "no held share": ((3, _PART),),
    "demand and load": ((1, _LEVEL), (3, _PART)),
}
"""Name -> the figures that are left out, as (place, the bin that stands for all of them).

A coarser table learns sooner and tells less apart; its states are among those of the full one.
"""


def discretise(observation: Observation, detail: str = "full") -> str:
    """The state, as `demand.trend.load.held`, each the number of its bin from 0."""
    bins = [
        bisect_right(edges, value)
        for edges, value in (
            (DEMAND, observation.demand),
            (TREND, observation.trend),
            (LOAD_TIME_MS, observation.load_time_ms),
            (HELD, observation.held_share),
        )
    ]
    for place, stands in DETAILS[detail]:
        bins[place] = stands
    return ".".join(map(str, bins))


def is_state(state: str) -> bool:
    """Whether `discretise` could have returned this."""
    parts = state.split(".")
    sizes = [len(edges) + 1 for edges in (DEMAND, TREND, LOAD_TIME_MS, HELD)]
    return len(parts) == len(sizes) and all(
        part.isdigit() and int(part) < size for part, size in zip(parts, sizes, strict=True)
    )


def describe(state: str) -> str:
    """The state in words: `busy, rising, dear to load, little held`."""
    if not is_state(state):
        return state
    demand, trend, load, held = (int(part) for part in state.split("."))
    return (
        f"{DEMAND_WORDS[demand]}, {TREND_WORDS[trend]}, {LOAD_WORDS[load]} to load, "
        f"{HELD_WORDS[held]} held"
    )
