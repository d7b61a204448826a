"""The prediction queue second by second: depth, rates, what was overwritten, delays."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import Select, func, select

from db.queries.run import LIMIT, Readable, Rows, first, frame, newest
from db.tables import queue_samples as sample

if TYPE_CHECKING:
    import pandas as pd

_COUNTS = ("accepted", "handed_out", "acknowledged", "overwritten", "expired")
_DELAYS = tuple(f"{way}_p{p}_ms" for way in ("enqueue", "dequeue") for p in (50, 95, 99))


def samples(
    store: Readable, queue: str, since: float, until: float, step: int = 1, limit: int = LIMIT
) -> Rows:
    """Samples of [since, until) in steps of `step` seconds, oldest first.

    Within a step counts are summed, depth and delays are the highest: a peak must not average out.
    `depth_last` is the mean of the seconds' last depths.
    """
    return newest(store, _samples(queue, since, until, step, limit))


def samples_frame(
    store: Readable, queue: str, since: float, until: float, step: int = 1, limit: int = LIMIT
) -> pd.DataFrame:
    """`samples` as a DataFrame."""
    statement = _samples(queue, since, until, step, limit)
    return frame(newest(store, statement), statement)


def latest(store: Readable, queue: str) -> dict[str, Any] | None:
    """The newest sample of a queue, or None."""
    return first(store, select(sample).where(sample.c.queue == queue).order_by(sample.c.at.desc()))


def _samples(queue: str, since: float, until: float, step: int, limit: int) -> Select[Any]:
    window = (sample.c.queue == queue, sample.c.at >= since, sample.c.at < until)
    if step <= 1:
        return select(sample).where(*window).order_by(sample.c.at.desc()).limit(limit)
    at = (sample.c.at - sample.c.at % step).label("at")
    return (
        select(
            at,
            func.max(sample.c.depth_max).label("depth_max"),
            func.avg(sample.c.depth_last).label("depth_last"),
            *(func.sum(sample.c[name]).label(name) for name in _COUNTS),
            *(func.max(sample.c[name]).label(name) for name in _DELAYS),
        )
        .where(*window)
        .group_by(at)
        .order_by(at.desc())
        .limit(limit)
    )
