"""What a miss costs at each request: measured, as far as it was known at that moment.

The time that a hit took is the cache's, not the origin's, so it is no cost of a miss. A recorded
miss costs its own load time; a recorded hit what its key's last miss had cost before it. Where
none came before, the mean of its endpoint's earlier misses stands in, and is counted.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from engine.traces.growing import grown

Floats = NDArray[np.float64]
Numbers = NDArray[np.int32]


class MissCosts:
    """Follows the miss costs of a recording, piece by piece.

    Attributes:
        estimated: hits on a key without an earlier miss.
    """

    def __init__(self) -> None:
        self.estimated = 0
        self._known: Floats = np.empty(0)
        self._sums: Floats = np.empty(0)
        self._counts: Floats = np.empty(0)

    def of(
        self, keys: Numbers, groups: Numbers, load_ms: Floats, hit: NDArray[np.bool_] | None
    ) -> Floats:
        """The cost (ms) of each request; the arrays are in the order of time."""
        if hit is None:
            return load_ms
        misses = np.where(hit, np.nan, load_ms)
        self._known = grown(self._known, int(keys.max()) + 1, np.nan)
        cost: Floats = np.array(pd.Series(misses).groupby(keys).ffill(), np.float64)
        first = np.isnan(cost)
        cost[first] = self._known[keys[first]]
        unknown = np.isnan(cost)
        self.estimated += int(unknown.sum())
        cost[unknown] = self._means(groups, misses)[unknown]
        self._known[keys[~hit]] = load_ms[~hit]
        return cost

    def _means(self, groups: Numbers, misses: Floats) -> Floats:
        """Mean miss cost before each request: of its endpoint, else of all, else 0."""
        count = int(groups.max()) + 1
        self._sums, self._counts = grown(self._sums, count, 0.0), grown(self._counts, count, 0.0)
        costs, ones = np.nan_to_num(misses), (~np.isnan(misses)).astype(np.float64)
        sums = self._sums[groups] + _before(costs, groups)
        counts = self._counts[groups] + _before(ones, groups)
        all_sums = self._sums.sum() + np.cumsum(costs) - costs
        all_counts = self._counts.sum() + np.cumsum(ones) - ones
        overall = np.divide(all_sums, all_counts, out=np.zeros_like(sums), where=all_counts > 0)
        np.add.at(self._sums, groups, costs)
        np.add.at(self._counts, groups, ones)
        means: Floats = np.divide(sums, counts, out=overall, where=counts > 0)
        return means


def _before(values: Floats, groups: Numbers) -> Floats:
    """Per request the sum over earlier requests of its group."""
    summed: Floats = np.array(pd.Series(values).groupby(groups).cumsum(), np.float64)
    earlier: Floats = summed - values
    return earlier
