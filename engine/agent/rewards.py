"""The reward of one decision, from the figures of the interval it was valid in. Pure functions.

    reward_ms = saved - refresh time - stale_weight x stale hits - byte_price x byte-seconds held

over the endpoint's requests in [valid_from, valid_until); `saved` sums, over hits, the key's last
miss cost known before the hit minus the hit's own time.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec


class Interval(msgspec.Struct, frozen=True):
    """Sums of one endpoint's rollups over an interval; names and units as in `rollups`."""

    requests: int = 0
    hits: int = 0
    stale_hits: int = 0
    load_time_ms: float = 0.0
    saved_ms: float = 0.0
    refresh_ms: float = 0.0
    byte_seconds: float = 0.0
    bytes_requested: int = 0
    missing: int = 0


class Reward(msgspec.Struct, frozen=True):
    """A reward and its terms, in ms; `scaled` is what is learned, from -1 to 1."""

    reward_ms: float
    scaled: float
    saved_ms: float
    refresh_ms: float
    stale_cost_ms: float
    byte_cost_ms: float


def add_up(rows: Iterable[Mapping[str, Any]]) -> Interval:
    """Sum rollup rows of one endpoint."""
    kept = list(rows)
    return Interval(**{name: sum(row[name] for row in kept) for name in Interval.__struct_fields__})


FULL_FROM = 0.8
"""Share of the capacity held from which bytes begin to have a price; at 1 it is the whole one."""


def byte_price(saved_ms: float, byte_seconds: float, capacity_byte_seconds: float) -> float:
    """The whole cache's average saving in ms per byte-second, as far as bytes are scarce.

    In a cache with room to spare a held byte takes nobody's place, so it costs nothing. Charging
    the average there made whatever saves less than the average look like a loss: it was dropped,
    the average rose, and so on until next to nothing was held (measured: `DECISIONS.md`).

    Args:
        saved_ms: saved by the whole cache over a window; a loss counts as nothing.
        byte_seconds: held by the whole cache in that window.
        capacity_byte_seconds: capacity x length of the window.
    """
    if byte_seconds <= 0 or capacity_byte_seconds <= 0:
        return 0.0
    scarce = (byte_seconds / capacity_byte_seconds - FULL_FROM) / (1.0 - FULL_FROM)
    return max(0.0, saved_ms / byte_seconds) * min(1.0, max(0.0, scarce))


def reward(interval: Interval, stale_weight_ms: float, price: float) -> Reward:
    """The reward of a decision.

    Args:
        interval: the endpoint's sums while the decision was valid.
        stale_weight_ms: price of one stale hit.
        price: ms per byte-second held, see `byte_price`.

    Returns:
        The reward with its terms. `scaled` is its share of the load time that the interval would
        have cost without a cache (what was waited for plus what was saved), clipped to -1..1;
        without requests only costs remain, and they are taken as they are per second of load
        time (1000 ms), clipped likewise.
    """
    stale_cost = stale_weight_ms * interval.stale_hits
    byte_cost = price * interval.byte_seconds
    total = interval.saved_ms - interval.refresh_ms - stale_cost - byte_cost
    whole = interval.load_time_ms + max(interval.saved_ms, 0.0)
    return Reward(
        reward_ms=total,
        scaled=max(-1.0, min(1.0, total / (whole if whole > 0 else IDLE_MS))),
        saved_ms=interval.saved_ms,
        refresh_ms=interval.refresh_ms,
        stale_cost_ms=stale_cost,
        byte_cost_ms=byte_cost,
    )


IDLE_MS = 1000.0
"""What costs are measured against in an interval without requests."""
