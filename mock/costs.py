"""Modelled load times and sizes, for a history that was never measured.

The figures follow from the sample's own queries on SQLite on one ordinary machine; the noise is
log-normal, as measured load times roughly are. Sources that hold such costs say "modelled".
"""

from __future__ import annotations

import random
from typing import Final

from mock.energy.endpoints import Endpoint
from mock.energy.parameters import Values, day_of
from mock.energy.reference import AREA_SCALE
from mock.energy.world import PACE

MODEL: Final = {
    "/production/latest": (2.0, 0.0, 1100, 0),
    "/production/raw": (2.0, 1.2, 90, 2400),
    "/production/total": (2.3, 0.4, 520, 100),
    "/production/mix": (2.0, 0.3, 173, 0),
    "/consumption/raw": (2.0, 0.35, 130, 400),
    "/consumption/total": (2.0, 0.8, 125, 55),
    "/consumption/peak": (2.0, 0.65, 350, 0),
    "/consumption/ranking": (2.0, 1.0, 1090, 0),
    "/exchange/latest": (2.0, 0.0, 280, 0),
    "/exchange/raw": (2.0, 0.35, 320, 710),
    "/exchange/total": (2.2, 0.15, 630, 80),
    "/price-areas": (1.6, 0.0, 223, 0),
    "/municipalities": (1.7, 0.0, 1160, 0),
    "/municipalities/{municipality}": (1.5, 0.0, 70, 0),
    "/branches": (1.6, 0.0, 135, 0),
}
"""Endpoint -> ms, ms per day of the range, bytes, bytes per day; with nothing filtered out."""

NARROWED: Final = {"price_area": 0.3, "type": 0.3, "branch": 0.5}
"""What is left of an answer's size when a parameter is given."""

HIT_MS: Final = 0.06


def modelled(endpoint: Endpoint, values: Values, chance: random.Random) -> tuple[float, int]:
    """Load time in ms (with noise) and size in bytes of one answer."""
    base_ms, day_ms, base_bytes, day_bytes = MODEL[endpoint.path]
    days = day_of(values["end"]) - day_of(values["start"]) + 1 if "start" in values else 0
    left = 1.0
    for name, share in NARROWED.items():
        left *= share if name in values else 1.0
    load_ms = (base_ms + day_ms * days * (0.5 + 0.5 * left)) * chance.lognormvariate(0.0, 0.35)
    return load_ms, max(70, int(base_bytes + day_bytes * days * left))


def modelled_version(endpoint: Endpoint, values: Values, at: float, day_s: float) -> int:
    """Number of the last change at a time, for data that change at their usual pace."""
    if not endpoint.part:
        return 0
    newest = endpoint.newest_only or day_of(values["end"]) >= int(at // 86400)
    if not newest:
        return 0
    share = 1.0 if "price_area" not in values else len(AREA_SCALE)
    return int(at / (PACE[endpoint.part] * day_s / 24 * share))
