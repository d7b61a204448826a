"""Several policies' miss ratio curves on one trace, by every figure that it knows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from engine.cache.curve import curve
from engine.cache.simulator import Beat
from engine.cache.sizes import footprint, spaced
from engine.traces.info import TraceInfo
from engine.traces.trace import Trace


def drawn(
    trace: Trace,
    policies: Sequence[str],
    *,
    points: int,
    by_bytes: bool = False,
    ttl_s: float = 0.0,
    beat: Beat | None = None,
) -> dict[str, Any]:
    """The curves of each policy, by requests, bytes and load time as far as recorded.

    Args:
        trace: all of it counts.
        policies: rows of POLICIES.
        points: sizes, evenly in logarithm up to what unlimited room would hold.
        by_bytes: whether sizes count.
        ttl_s: time to live in seconds of the trace's time; 0: for ever.
        beat: told how far it is; may stop it.

    Returns:
        footprint: results or bytes that unlimited room would hold; curves: figure -> list of
        `engine.cache.curve.Curve`, all as plain values.

    Raises:
        PolicyError: as `curve`.
    """
    whole = footprint(trace.requests, by_bytes)
    steps = [(figure, name) for figure in figures_of(trace.info) for name in policies]
    found: dict[str, list[Any]] = {}
    for number, (figure, name) in enumerate(steps):
        one = curve(
            trace.requests,
            name,
            spaced(whole, points),
            by_bytes=by_bytes,
            worth=figure,
            ttl_s=ttl_s or None,
            beat=_part(beat, number, len(steps)),
        )
        found.setdefault(figure, []).append(msgspec.to_builtins(one))
    return {"footprint": whole, "curves": found}


def figures_of(info: TraceInfo) -> tuple[str, ...]:
    """By what hits of this trace can be counted."""
    sized = ("byte_hit_ratio",) if info.sizes == "recorded" else ()
    return ("hit_ratio", *sized, *(("load_time_saved",) if info.costs != "none" else ()))


def _part(beat: Beat | None, number: int, count: int) -> Beat | None:
    """The beat of one curve of several: its share is a part of the whole's."""
    if beat is None:
        return None

    def told(share: float, message: str) -> bool:
        return beat((number + share) / count, f"{message}, curve {number + 1} of {count}")

    return told
