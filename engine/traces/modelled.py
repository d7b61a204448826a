"""Modelled costs for recordings without load times; labelled as modelled wherever they appear."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from engine.traces.growing import grown

MEDIAN_MS = 50.0
NAME_SIGMA, KEY_SIGMA = 1.0, 0.5
"""Spread (of the logarithm) between endpoints, and between the keys of one endpoint."""

LEAST_MS, MOST_MS = 0.1, 60_000.0


class ModelledCosts:
    """A load time for every key: lognormal per endpoint times lognormal per key.

    The shape is that of measured query times, which spread over orders of magnitude between kinds
    of query and much less within a kind. Numbers of keys and endpoints, given by first
    appearance, draw in turn from generators of one seed: the same requests cost the same.

    Args:
        seed: of both generators.
    """

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._names, self._keys = (np.random.default_rng([seed, which]) for which in (1, 2))
        self._of_name = self._of_key = np.empty(0)

    def of(self, keys: NDArray[np.int32], groups: NDArray[np.int32]) -> NDArray[np.float64]:
        """The cost (ms) of each request."""
        self._of_name = _drawn(self._of_name, int(groups.max()) + 1, self._names, NAME_SIGMA)
        self._of_key = _drawn(self._of_key, int(keys.max()) + 1, self._keys, KEY_SIGMA)
        cost = MEDIAN_MS * np.exp(self._of_name[groups] + self._of_key[keys])
        return np.clip(cost, LEAST_MS, MOST_MS)

    def sentence(self) -> str:
        """How the costs came about, for every table and chart that shows them."""
        return (
            f"Modelled, not measured: {MEDIAN_MS:g} ms x lognormal(sigma {NAME_SIGMA:g}) per "
            f"endpoint x lognormal(sigma {KEY_SIGMA:g}) per key, seed {self._seed}."
        )


def _drawn(
    values: NDArray[np.float64], count: int, draws: np.random.Generator, sigma: float
) -> NDArray[np.float64]:
    there = len(values)
    values = grown(values, count, np.nan)
    values[there:] = draws.normal(0.0, sigma, len(values) - there)
    return values
