"""What a cache of any size would save: the curves of several policies by every figure, as a job."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import msgspec

from engine.actions.store import given
from engine.errors import PolicyError
from engine.settings import Settings

if TYPE_CHECKING:
    from engine.jobs import JobHandle
    from engine.traces.trace import TraceInfo

Beat = Callable[[float, str], bool]
"""Told the share done and how far we are; True: stop."""

POINTS = 24
"""Sizes of a curve, unless another number is asked for."""

MOST_POINTS = 200


class CurvesWanted(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which curves: the parameters of the job as well.

    Args:
        trace: a stored trace's name, or a file of any format.
        policies: rows of POLICIES.
        by_bytes: whether sizes count.
        ttl_s: time to live in seconds of the trace's time; 0: for ever.
        points: sizes, evenly in logarithm up to what unlimited room would hold.
    """

    trace: str
    policies: tuple[str, ...] = ("lru", "belady")
    by_bytes: bool = False
    ttl_s: float = 0.0
    points: int = POINTS


def policy_curves(
    wanted: CurvesWanted, settings: Settings | None = None, beat: Beat | None = None
) -> dict[str, Any]:
    """Miss ratio curves of each policy, by requests, bytes and load time as far as recorded.

    Returns:
        trace, costs, cost_model, requests, distinct, footprint, by_bytes, ttl_s; cost_ms: of all
        requests together; curves: figure -> list of `engine.cache.curve.Curve`.

    Raises:
        TraceError: there is no such trace or file, or it cannot be read.
        PolicyError: a value is out of range, or `beat` stopped it.
        UnknownName: there is no such policy.
    """
    from engine.cache.curve import curve
    from engine.cache.sizes import footprint, spaced
    from engine.traces.importing import open_trace

    check_curves(wanted)
    trace = open_trace(wanted.trace, given(settings))
    requests, info = trace.requests, trace.info
    whole = footprint(requests, wanted.by_bytes)
    figures = figures_of(info)
    steps = [(figure, name) for figure in figures for name in wanted.policies]
    found: dict[str, list[Any]] = {figure: [] for figure in figures}
    for number, (figure, name) in enumerate(steps):
        drawn = curve(
            requests,
            name,
            spaced(whole, wanted.points),
            by_bytes=wanted.by_bytes,
            worth=figure,
            ttl_s=wanted.ttl_s or None,
            beat=_part(beat, number, len(steps)),
        )
        found[figure].append(msgspec.to_builtins(drawn))
    return {
        "trace": info.name,
        "costs": info.costs,
        "cost_model": info.cost_model,
        "requests": len(requests),
        "distinct": requests.distinct,
        "footprint": whole,
        "by_bytes": wanted.by_bytes,
        "ttl_s": wanted.ttl_s,
        "cost_ms": float(requests.cost.sum()) if info.costs != "none" else None,
        "curves": found,
    }


def curves_job(params: Mapping[str, Any], job: JobHandle) -> dict[str, Any]:
    """The job "curves"; `params` are those of `CurvesWanted`."""
    try:
        wanted = msgspec.convert(dict(params), CurvesWanted)
    except msgspec.ValidationError as error:
        raise PolicyError(f"Curves cannot be asked for like this: {error}.") from None

    def beat(share: float, message: str) -> bool:
        job.progress(share, message)
        return job.cancelled

    return policy_curves(wanted, beat=beat)


def check_curves(wanted: CurvesWanted) -> None:
    """See that curves can be drawn as asked, before anything is read.

    Raises:
        UnknownName: there is no such policy.
        PolicyError: there is no policy, or a value is out of range.
    """
    from engine.cache import POLICIES
    from engine.registry import require

    for name in wanted.policies:
        require(POLICIES, name, "policy")
    if not wanted.policies:
        raise PolicyError("No policy is named; name one or more, such as lru.")
    if not 2 <= wanted.points <= MOST_POINTS:
        raise PolicyError(f"A curve of {wanted.points} sizes is none; give 2 to {MOST_POINTS}.")
    if not 0 <= wanted.ttl_s < float("inf"):
        raise PolicyError(f"A time to live of {wanted.ttl_s} s keeps nothing; give 0 or more.")


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
