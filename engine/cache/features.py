"""What a scorer is told of a key: the table of features; `engine.cache.history` counts them.

Nothing of it looks ahead: a row holds what earlier requests told. Times are log2 of requests
relative to the cache's lifetime (how long an LRU cache of that size holds a result), so that one
network serves caches of any size.

The kinds of feature follow Song, Berger, Li, Lloyd, "Learning relaxed Belady for content
distribution network caching", NSDI 2020 (gaps and decayed counters).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from engine.errors import TrainingError
from engine.traces.trace import Requests


class Feature(NamedTuple):
    """One input of a scorer, as tables and documents show it."""

    name: str
    unit: str
    meaning: str


_LIFETIMES = "log2 lifetimes"
FEATURES = (
    Feature("age", _LIFETIMES, "since the key's last request"),
    Feature("gap_1", _LIFETIMES, "between its last two requests; 8 where it has none"),
    Feature("gap_2", _LIFETIMES, "the gap before"),
    Feature("gap_3", _LIFETIMES, "the gap before that"),
    Feature("gap_4", _LIFETIMES, "the oldest gap remembered"),
    Feature("count", "log2 requests", "of the key since it is remembered"),
    Feature("known_for", _LIFETIMES, "since its first request remembered"),
    Feature("rate_1", "log2 requests", "decayed count, half-life 1/4 lifetime"),
    Feature("rate_2", "log2 requests", "decayed count, half-life 1 lifetime"),
    Feature("rate_3", "log2 requests", "decayed count, half-life 4 lifetimes"),
    Feature("rate_4", "log2 requests", "decayed count, half-life 16 lifetimes"),
    Feature("size", "log2 bytes", "of the result when first seen"),
    Feature("mean_gap", _LIFETIMES, "known_for over count"),
    Feature("group_gap", _LIFETIMES, "gaps of its endpoint, running mean of the logarithm"),
    Feature("group_reuse", "share", "of its endpoint's requests for remembered keys, running mean"),
    Feature("candidate", "0 or 1", "whether it asks to enter the main segment"),
    Feature("recency_index", "log2 hits per lifetime", "reuse index by last gap and count"),
    Feature("recency_soon", "probability", "of reuse within a lifetime, by the same"),
    Feature("group_index", "log2 hits per lifetime", "reuse index by endpoint"),
    Feature("group_soon", "probability", "of reuse within a lifetime, by the same"),
    Feature("group_age", _LIFETIMES, "since its endpoint's last request"),
    Feature("rent", "log2 hits per lifetime", "space taken over worth of a hit, plus the rent"),
    Feature("rate_index", "log2 hits per lifetime", "reuse index by rate_2 and rate_4"),
    Feature("rate_soon", "probability", "of reuse within a lifetime, by the same"),
)
"""The base features in the order of their columns; chosen columns of the trace follow them."""

NAMES = tuple(feature.name for feature in FEATURES)
BASE = len(FEATURES)
CANDIDATE, RENT = NAMES.index("candidate"), NAMES.index("rent")
LONG_RUN = NAMES.index("rate_4")
INDICES = tuple(NAMES.index(name) for name in ("recency_index", "group_index", "rate_index"))


def column_matrix(requests: Requests, columns: tuple[str, ...]) -> NDArray[np.float32]:
    """The chosen columns side by side, float32[n, c].

    Raises:
        TrainingError: the trace has no such column.
    """
    missing = [name for name in columns if name not in requests.columns]
    if missing:
        raise TrainingError(
            f"The trace has no column {missing[0]!r}; it has: "
            f"{', '.join(requests.columns) or 'none beside the base features'}."
        )
    matrix = np.empty((len(requests), len(columns)), np.float32)
    for at, name in enumerate(columns):
        matrix[:, at] = requests.columns[name]
    return matrix
