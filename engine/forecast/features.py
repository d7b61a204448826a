"""What the network sees: normalised series and the place in the season; nothing of the future.

Demand is square-rooted, which gives counts an even spread, load times are logged; both are then
centred and scaled per endpoint with figures of the training part alone.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from engine.forecast.base import Array, Config, Series

Float = NDArray[np.float32]

HARMONICS = 2
FEATURES = 2 + 2 * HARMONICS
_LEAST_SPREAD = 0.05

Scale = tuple[float, float, float, float]
"""Mean and spread of the square-rooted demand, then of the logged load time."""


def fit_scales(series: Series) -> dict[str, Scale]:
    """Figures of each endpoint to normalise by."""
    demand, load = np.sqrt(series.demand), np.log1p(series.load_time_ms)
    return {
        name: (
            float(demand[:, column].mean()),
            float(max(demand[:, column].std(), _LEAST_SPREAD)),
            float(load[:, column].mean()),
            float(max(load[:, column].std(), _LEAST_SPREAD)),
        )
        for column, name in enumerate(series.endpoints)
    }


def scale_array(series: Series, scales: Mapping[str, Scale], window: int) -> Array:
    """E x 4 figures; an endpoint unknown in training goes by its own last window."""
    recent = fit_scales(
        series.until(len(series)) if len(series) <= window else _tail(series, window)
    )
    return np.array([scales.get(name, recent[name]) for name in series.endpoints])


def inputs(series: Series, scales: Array, config: Config) -> Float:
    """T x E x FEATURES."""
    demand = (np.sqrt(series.demand) - scales[:, 0]) / scales[:, 1]
    load = (np.log1p(series.load_time_ms) - scales[:, 2]) / scales[:, 3]
    length, width = series.demand.shape
    season = _season(series, config)
    parts = [demand[..., None], load[..., None]]
    parts.append(np.broadcast_to(season[:, None, :], (length, width, 2 * HARMONICS)))
    return np.concatenate(parts, axis=2).astype(np.float32)


def targets(series: Series, scales: Array) -> Float:
    """T x E x 2: what is to be forecast, normalised."""
    demand = (np.sqrt(series.demand) - scales[:, 0]) / scales[:, 1]
    load = (np.log1p(series.load_time_ms) - scales[:, 2]) / scales[:, 3]
    return np.stack([demand, load], axis=2).astype(np.float32)


def undo(normalised: Array, scales: Array) -> tuple[Array, Array]:
    """Demand and load time of H x E x 2 normalised values; monotone: quantiles stay quantiles."""
    demand = np.maximum(normalised[..., 0] * scales[:, 1] + scales[:, 0], 0.0) ** 2
    load = np.expm1(np.clip(normalised[..., 1] * scales[:, 3] + scales[:, 2], 0.0, 16.0))
    return demand, load


def _season(series: Series, config: Config) -> Array:
    length_s = max(config.season, 1) * series.interval_s
    ends = series.end - np.arange(len(series))[::-1] * series.interval_s
    phase = 2 * np.pi * (ends % length_s) / length_s
    waves = [wave(k * phase) for k in range(1, HARMONICS + 1) for wave in (np.sin, np.cos)]
    return np.stack(waves, axis=1)


def _tail(series: Series, length: int) -> Series:
    return Series(
        series.endpoints,
        series.demand[-length:],
        series.load_time_ms[-length:],
        series.interval_s,
        series.end,
    )
