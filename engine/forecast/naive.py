"""Forecasts that learn nothing but their own error: the last value, and that of a season ago.

A forecaster that does not beat these is not worth its time (Hyndman and Athanasopoulos,
Forecasting: Principles and Practice, 5.2). Their intervals are the quantiles of their own past
errors at the same distance.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np

from engine.errors import CheckpointError
from engine.forecast import checkpoint
from engine.forecast.base import HIGH, LOW, Array, Forecast, Forecaster, Series

_ORIGINS = 400
_FEW_ERRORS = 8
_Z = 1.2816  # the normal quantile of HIGH


class _Naive(Forecaster):
    """Shared by both: errors at each distance become the interval around the next forecast."""

    @property
    def least(self) -> int:
        """One interval is enough to repeat it."""
        return 1

    def fit(self, series: Series, beat: Callable[[float], None] | None = None) -> None:
        """Nothing to learn: intervals come from the series that is forecast."""
        _ = series
        if beat is not None:
            beat(1.0)

    def forecast(self, series: Series, horizon: int) -> Forecast:
        """Repeat past values; the interval is that of past errors."""
        demand = self._band(series.demand, horizon, counts=True)
        load = self._band(series.load_time_ms, horizon, counts=False)
        return Forecast(*demand, *load)

    def save(self, path: Path) -> None:
        """Keep that this forecaster was in use."""
        checkpoint.write(path, {"name": self.name})

    def restore(self, path: Path) -> None:
        """Check that the checkpoint is one of this forecaster."""
        meta, _ = checkpoint.read(path)
        if meta.get("name") != self.name:
            raise CheckpointError(f"{path.name} is no checkpoint of the forecaster {self.name}.")

    def _lag(self, step: int, length: int) -> int:
        """Intervals between the forecast of `step` (from 1) and the value it repeats."""
        raise NotImplementedError

    def _band(self, values: Array, horizon: int, *, counts: bool) -> tuple[Array, Array, Array]:
        length, width = values.shape
        mean = np.zeros((horizon, width))
        low, high = np.zeros_like(mean), np.zeros_like(mean)
        for step in range(1, horizon + 1):
            lag = self._lag(step, length)
            expected = values[length - 1 + step - lag] if length else np.zeros(width)
            errors = (values[lag:] - values[: max(length - lag, 0)])[-_ORIGINS:]
            mean[step - 1] = expected
            if len(errors) >= _FEW_ERRORS:
                below, above = np.quantile(errors, [LOW, HIGH], axis=0)
            else:
                spread = _Z * np.sqrt(2 * np.maximum(expected, 1.0)) if counts else 0.5 * expected
                below, above = -spread, spread
            low[step - 1] = expected + np.minimum(below, 0.0)
            high[step - 1] = expected + np.maximum(above, 0.0)
        return mean, np.maximum(low, 0.0), high


class LastValue(_Naive):
    """Every coming interval is like the last."""

    name = "last"

    def _lag(self, step: int, length: int) -> int:  # noqa: ARG002 - the season's needs it
        return step


class SeasonalValue(_Naive):
    """Every coming interval is like that of a season ago; like the last until there is one."""

    name = "seasonal"

    def _lag(self, step: int, length: int) -> int:
        season = max(self.config.season, 1)
        lag = season * -(-step // season)
        return lag if lag < length + step else step
