"""How much traffic the sample is to get, as its origin tells it to whoever sends it."""

from __future__ import annotations

import msgspec

PATH = "/traffic"


class Pace(msgspec.Struct, frozen=True):
    """The tunables of the sample's traffic; 0 and `auto` leave it to the deployment's settings."""

    rate: float
    """Requests per second."""
    workload: str
