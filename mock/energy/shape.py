"""Plausible hourly values as a pure function of time and seed.

Because an hour's values depend on nothing but its number, the same hour can be made again at any
time, alone or in bulk, and comes out the same.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from mock.energy.reference import (
    AREA_OF,
    AREA_SCALE,
    BORDERS,
    BRANCHES,
    MUNICIPALITIES,
    PRICE_AREAS,
    PRODUCTION_TYPES,
)

Hours = NDArray[np.int64]
Values = NDArray[np.float64]
Row = dict[str, object]


def noise(hours: Hours, stream: int, seed: int) -> Values:
    """Uniform noise in [0, 1) per hour: the splitmix64 finaliser over (hour, stream, seed)."""
    offset = np.uint64((stream * 0x9E3779B97F4A7C15 + seed * 0xD1B54A32D192ED03) % 2**64)
    z = hours.astype(np.uint64) * np.uint64(0xBF58476D1CE4E5B9) + offset
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return (z ^ (z >> np.uint64(31))).astype(np.float64) / 2.0**64


def weather(hours: Hours, stream: int, seed: int, scale_hours: int) -> Values:
    """Noise in [0, 1) that drifts over `scale_hours`: linear between coarse noise."""
    coarse = hours // scale_hours
    share = (hours % scale_hours) / scale_hours
    low, high = noise(coarse, stream, seed), noise(coarse + 1, stream, seed)
    return np.asarray(low * (1 - share) + high * share)


def _daily(hours: Hours, peak_hour: float) -> Values:
    return np.asarray(np.cos((hours % 24 - peak_hour) * 2 * math.pi / 24))


def _season(hours: Hours) -> Values:
    """1 in the middle of January, -1 in the middle of July."""
    return np.asarray(np.cos(((hours / 24) % 365.25 - 15) * 2 * math.pi / 365.25))


def _produced(kind: str, hours: Hours, stream: int, seed: int) -> Values:
    jitter = 0.94 + 0.12 * noise(hours, stream + 500, seed)
    if kind.startswith("wind"):
        return (0.1 + 1.8 * weather(hours, stream, seed, 9) ** 1.5) * jitter
    if kind == "solar":
        light = np.maximum(0.0, _daily(hours, 12) - 0.25 - 0.3 * _season(hours))
        return 3 * light * (0.4 + 0.6 * weather(hours, stream, seed, 6)) * jitter
    if kind == "thermal":
        return (1 + 0.25 * _daily(hours, 18) + 0.3 * _season(hours)) * jitter
    return (0.8 + 0.4 * weather(hours, stream, seed, 72)) * jitter


def production_rows(hours: Hours, seed: int = 0) -> list[Row]:
    """Production of every area and type in the given hours."""
    rows: list[Row] = []
    for a, area in enumerate(PRICE_AREAS):
        for t, (kind, mean) in enumerate(PRODUCTION_TYPES.items()):
            values = mean * AREA_SCALE[area] * _produced(kind, hours, 10 * a + t, seed)
            rows += [
                {"hour": hour, "price_area": area, "type": kind, "day": hour // 24, "mwh": value}
                for hour, value in _pairs(hours, values)
            ]
    return rows


_BRANCH_SHAPE = {"households": (18.5, 0.45, 0.0), "industry": (12.0, 0.3, 0.35)}


def consumption_rows(hours: Hours, seed: int = 0) -> list[Row]:
    """Consumption of every municipality and branch in the given hours."""
    rows: list[Row] = []
    weekend = (hours // 24 + 3) % 7 >= 5
    for m, (code, (_, _, inhabitants)) in enumerate(MUNICIPALITIES.items()):
        for b, branch in enumerate(BRANCHES):
            peak, swing, off = _BRANCH_SHAPE.get(branch, (14.0, 0.4, 0.2))
            shape = 1 + swing * _daily(hours, peak) + 0.2 * _season(hours) - off * weekend
            jitter = 0.95 + 0.1 * noise(hours, 1000 + 10 * m + b, seed)
            values = inhabitants * 2.2e-4 * shape * jitter
            rows += [
                {
                    "hour": hour,
                    "municipality": code,
                    "branch": branch,
                    "day": hour // 24,
                    "price_area": AREA_OF[code],
                    "mwh": value,
                }
                for hour, value in _pairs(hours, values)
            ]
    return rows


def exchange_rows(hours: Hours, seed: int = 0) -> list[Row]:
    """Exchange over every border in the given hours."""
    rows: list[Row] = []
    for b, (here, there) in enumerate(BORDERS):
        values = 1400 * (weather(hours, 2000 + b, seed, 7) - 0.5) + 150 * _daily(hours, 3.0 * b)
        rows += [
            {"hour": hour, "from_area": here, "to_area": there, "day": hour // 24, "mwh": value}
            for hour, value in _pairs(hours, values)
        ]
    return rows


def _pairs(hours: Hours, values: Values) -> zip[tuple[int, float]]:
    return zip(hours.tolist(), np.round(values, 2).tolist(), strict=True)
