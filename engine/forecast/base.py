"""What a forecaster is: a series of every endpoint in, the next intervals out."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import msgspec
import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

LOW, HIGH = 0.1, 0.9
"""The quantiles around a forecast: four outcomes in five should lie between them."""

TAIL = 12
"""Windows that training needs at least, those to stop by among them."""

LEAD = 2
"""Intervals forecast beyond the horizon: the running one, and one the collector may lag."""


@dataclass(frozen=True, slots=True)
class Series:
    """What was recorded, T intervals of E endpoints.

    Args:
        endpoints: names, in the order of the columns.
        demand: requests per interval, T x E.
        load_time_ms: mean load time of a miss in the interval, the last known one where nothing
            missed, T x E.
        interval_s: length of an interval in seconds.
        end: end of the last interval, seconds since the epoch, a multiple of the interval.
    """

    endpoints: tuple[str, ...]
    demand: Array
    load_time_ms: Array
    interval_s: float
    end: float

    def __len__(self) -> int:
        return len(self.demand)

    def until(self, length: int) -> Series:
        """The first `length` intervals: all that was known at their end."""
        end = self.end - (len(self) - length) * self.interval_s
        return Series(
            self.endpoints, self.demand[:length], self.load_time_ms[:length], self.interval_s, end
        )


@dataclass(frozen=True, slots=True)
class Forecast:
    """The next H intervals of E endpoints, H x E each; low and high bound 80 % of outcomes."""

    demand: Array
    demand_low: Array
    demand_high: Array
    load_time_ms: Array
    load_time_low_ms: Array
    load_time_high_ms: Array

    def steps(self, start: int, stop: int) -> Forecast:
        """The forecast of some of the intervals."""
        return Forecast(
            self.demand[start:stop],
            self.demand_low[start:stop],
            self.demand_high[start:stop],
            self.load_time_ms[start:stop],
            self.load_time_low_ms[start:stop],
            self.load_time_high_ms[start:stop],
        )


class Config(msgspec.Struct, frozen=True):
    """What shapes a forecaster; `horizon`, `window` and `season` count intervals."""

    interval_s: float = 5.0
    horizon: int = 8
    window: int = 24
    season: int = 60
    hidden_size: int = 32
    layers: int = 1
    quantised: str = "auto"
    seed: int = 0

    @property
    def learned(self) -> int:
        """Intervals that training needs at least: some windows to learn from, some to stop by."""
        return self.window + self.horizon + TAIL


class Forecaster(ABC):
    """Forecasts demand and load time of every endpoint. Single-threaded."""

    name: str

    def __init__(self, config: Config) -> None:
        self.config = config

    @property
    @abstractmethod
    def least(self) -> int:
        """Intervals that `fit` needs at least."""

    @abstractmethod
    def fit(self, series: Series, beat: Callable[[float], None] | None = None) -> None:
        """Learn from a series, and from nothing else.

        Args:
            series: at least `least` intervals.
            beat: called with the share done (0 to 1), several times a second.

        Raises:
            ModelNotFitted: the series is too short.
        """

    @abstractmethod
    def forecast(self, series: Series, horizon: int) -> Forecast:
        """The `horizon` intervals after the end of `series`.

        Raises:
            ModelNotFitted: neither fitted nor restored before.
        """

    @abstractmethod
    def save(self, path: Path) -> None:
        """Write everything learned to `path` (and files named after it), whole or not at all."""

    @abstractmethod
    def restore(self, path: Path) -> None:
        """Go on from what `save` wrote.

        Raises:
            CheckpointError: absent, damaged, or made with another configuration.
        """
