"""What a cache of any size would save: the curves of several policies by every figure, as a job."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import msgspec

from engine.actions.store import given
from engine.errors import PolicyError
from engine.execution import executor_of
from engine.execution.local import LocalExecutor
from engine.settings import Settings
from engine.training.curves import Listener

if TYPE_CHECKING:
    from engine.execution.base import Executor
    from engine.jobs import JobHandle

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
    wanted: CurvesWanted,
    settings: Settings | None = None,
    beat: Beat | None = None,
    executor: Executor | None = None,
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
    from engine.execution.base import Order
    from engine.traces.importing import open_trace

    check_curves(wanted)
    known = given(settings)
    trace = open_trace(wanted.trace, known)
    requests, info = trace.requests, trace.info
    asked = msgspec.structs.asdict(wanted)
    del asked["trace"]
    order = Order("curves", trace, asked)
    done = (executor or LocalExecutor()).run(order, Beating(beat) if beat else Listener())
    return {
        "trace": info.name,
        "costs": info.costs,
        "cost_model": info.cost_model,
        "requests": len(requests),
        "distinct": requests.distinct,
        "by_bytes": wanted.by_bytes,
        "ttl_s": wanted.ttl_s,
        "cost_ms": float(requests.cost.sum()) if info.costs != "none" else None,
        **done.told,
    }


class Beating(Listener):
    """A beat as a listener."""

    def __init__(self, beat: Beat) -> None:
        self._beat = beat
        self._stop = False

    @property
    def cancelled(self) -> bool:
        """What the beat said last."""
        return self._stop

    def progress(self, fraction: float, message: str) -> None:
        """Hand on."""
        self._stop = self._beat(fraction, message)


def curves_job(params: Mapping[str, Any], job: JobHandle) -> dict[str, Any]:
    """The job "curves"; `params` are those of `CurvesWanted`."""
    try:
        wanted = msgspec.convert(dict(params), CurvesWanted)
    except msgspec.ValidationError as error:
        raise PolicyError(f"Curves cannot be asked for like this: {error}.") from None

    def beat(share: float, message: str) -> bool:
        job.progress(share, message)
        return job.cancelled

    settings = given(None)
    with executor_of(settings) as executor:
        return policy_curves(wanted, settings, beat, executor)


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
