"""Series with a known shape, for the forecasters' tests and benchmark."""

from __future__ import annotations

import numpy as np

from engine.forecast.base import Series

SEASON = 40
INTERVAL_S = 5.0


def seasonal(length: int = 400, seed: int = 0, endpoints: int = 4) -> Series:
    """Counts with a season of SEASON intervals, another phase for each endpoint."""
    chance = np.random.default_rng(seed)
    time = np.arange(length)[:, None]
    level = np.linspace(30, 6, endpoints)
    phase = np.linspace(0, 2, endpoints)
    rate = level * (1 + 0.8 * np.sin(2 * np.pi * time / SEASON + phase))
    load = 20 + 5 * np.cos(2 * np.pi * time / SEASON) + chance.normal(0, 1, rate.shape)
    names = tuple(f"/{number}" for number in range(endpoints))
    return Series(names, chance.poisson(rate).astype(float), load, INTERVAL_S, INTERVAL_S * length)
