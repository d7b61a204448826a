"""Plausible hourly values as a pure function of time and seed.

Because an hour's values depend on nothing but its number, the same hour can be made again at any
time, alone or in bulk, and comes out the same. Plain Python: a service that fills a day's hours
once an hour need not hold NumPy for it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from mock.energy.reference import (
    AREA_OF,
    AREA_SCALE,
    BORDERS,
    BRANCHES,
    MUNICIPALITIES,
    PRICE_AREAS,
    PRODUCTION_TYPES,
)

Hours = Sequence[int]
Row = dict[str, object]

_WORD = 2**64 - 1


def noise(hour: int, stream: int, seed: int) -> float:
    """Uniform noise in [0, 1) of an hour: the splitmix64 finaliser over (hour, stream, seed)."""
    z = hour * 0xBF58476D1CE4E5B9 + stream * 0x9E3779B97F4A7C15 + seed * 0xD1B54A32D192ED03 & _WORD
    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9 & _WORD
    z = (z ^ z >> 27) * 0x94D049BB133111EB & _WORD
    return (z ^ z >> 31) / 2.0**64


def weather(hour: int, stream: int, seed: int, scale_hours: int) -> float:
    """Noise in [0, 1) that drifts over `scale_hours`: linear between coarse noise."""
    coarse, rest = divmod(hour, scale_hours)
    share = rest / scale_hours
    return noise(coarse, stream, seed) * (1 - share) + noise(coarse + 1, stream, seed) * share


def _daily(hour: int, peak_hour: float) -> float:
    return math.cos((hour % 24 - peak_hour) * 2 * math.pi / 24)


def _season(hour: int) -> float:
    """1 in the middle of January, -1 in the middle of July."""
    return math.cos(((hour / 24) % 365.25 - 15) * 2 * math.pi / 365.25)


def _produced(kind: str, hour: int, stream: int, seed: int) -> float:
    jitter = 0.94 + 0.12 * noise(hour, stream + 500, seed)
    if kind.startswith("wind"):
        return (0.1 + 1.8 * math.pow(weather(hour, stream, seed, 9), 1.5)) * jitter
    if kind == "solar":
        light = max(0.0, _daily(hour, 12) - 0.25 - 0.3 * _season(hour))
        return 3 * light * (0.4 + 0.6 * weather(hour, stream, seed, 6)) * jitter
    if kind == "thermal":
        return (1 + 0.25 * _daily(hour, 18) + 0.3 * _season(hour)) * jitter
    return (0.8 + 0.4 * weather(hour, stream, seed, 72)) * jitter


def production_rows(hours: Hours, seed: int = 0) -> list[Row]:
    """Production of every area and type in the given hours."""
    return [
        {
            "hour": hour,
            "price_area": area,
            "type": kind,
            "day": hour // 24,
            "mwh": round(mean * AREA_SCALE[area] * _produced(kind, hour, 10 * a + t, seed), 2),
        }
        for a, area in enumerate(PRICE_AREAS)
        for t, (kind, mean) in enumerate(PRODUCTION_TYPES.items())
        for hour in hours
    ]


_BRANCH_SHAPE = {"households": (18.5, 0.45, 0.0), "industry": (12.0, 0.3, 0.35)}


def _consumed(branch: str, hour: int) -> float:
    peak, swing, off = _BRANCH_SHAPE.get(branch, (14.0, 0.4, 0.2))
    weekend = (hour // 24 + 3) % 7 >= 5
    return 1 + swing * _daily(hour, peak) + 0.2 * _season(hour) - off * weekend


def consumption_rows(hours: Hours, seed: int = 0) -> list[Row]:
    """Consumption of every municipality and branch in the given hours."""
    shapes = {branch: [_consumed(branch, hour) for hour in hours] for branch in BRANCHES}
    return [
        {
            "hour": hour,
            "municipality": code,
            "branch": branch,
            "day": hour // 24,
            "price_area": AREA_OF[code],
            "mwh": round(
                inhabitants * 2.2e-4 * shape * (0.95 + 0.1 * noise(hour, 1000 + 10 * m + b, seed)),
                2,
            ),
        }
        for m, (code, (_, _, inhabitants)) in enumerate(MUNICIPALITIES.items())
        for b, branch in enumerate(BRANCHES)
        for hour, shape in zip(hours, shapes[branch], strict=True)
    ]


def exchange_rows(hours: Hours, seed: int = 0) -> list[Row]:
    """Exchange over every border in the given hours."""
    return [
        {
            "hour": hour,
            "from_area": here,
            "to_area": there,
            "day": hour // 24,
            "mwh": round(
                1400 * (weather(hour, 2000 + b, seed, 7) - 0.5) + 150 * _daily(hour, 3.0 * b), 2
            ),
        }
        for b, (here, there) in enumerate(BORDERS)
        for hour in hours
    ]
