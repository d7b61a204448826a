"""The data of a training: a trace cut by time, a room to learn for, and what a hit is worth."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from engine.cache.base import Room
from engine.cache.value import HitValue
from engine.errors import TrainingError
from engine.registry import resolve
from engine.traces.info import TraceInfo
from engine.traces.split import Split, split
from engine.traces.trace import Requests, Trace
from engine.training import REWARDS
from engine.training.options import (
    LEAST_REQUESTS,
    TrainOptions,
    checked_objective,
    weights_of,
)


@dataclass(frozen=True, slots=True)
class Data:
    """What one training learns from and is tried on; the test part is not in it.

    Args:
        info: of the trace.
        train: its training part.
        seen: that and the validation part after it, for early stopping and the choice of the best.
        room: of the cache to learn for.
        objective: row of REWARDS.
        weights: the `cache_weights` it comes to.
        value: what a hit is worth, fitted on the training part.
    """

    info: TraceInfo
    train: Requests
    seen: Requests
    room: Room
    objective: str
    weights: dict[str, float]
    value: HitValue


def prepare(trace: Trace, options: TrainOptions) -> Data:
    """Cut a trace and check that there is something to learn in it.

    Raises:
        TrainingError: too few requests, nothing asked for twice, one key only, a cache of no use,
            costs that are no costs, or an unknown column or metric.
    """
    requests = trace.requests
    check_requests(requests)
    parts: Split = split(requests)
    room = room_of(options.cache_size, options.by_bytes, requests)
    objective = checked_objective(options, trace.info, requests)
    weights = weights_of(options, objective)
    check_columns(options.columns, trace)
    fit = resolve(REWARDS, objective, "reward")
    value: HitValue = fit(parts.train, weights, by_bytes=options.by_bytes)
    seen = requests.slice(0, len(parts.train) + len(parts.validate))
    return Data(trace.info, parts.train, seen, room, objective, weights, value)


def check_requests(requests: Requests) -> None:
    """See that a cache could learn anything from these requests.

    Raises:
        TrainingError: too few of them, one key only, no key twice, or costs that are no costs.
    """
    n = len(requests)
    if n < LEAST_REQUESTS:
        raise TrainingError(
            f"The trace has {n} requests, too few to learn from and be judged on; record at least "
            f"{LEAST_REQUESTS}."
        )
    distinct = len(np.unique(requests.key))
    if distinct == 1:
        raise TrainingError(
            "All requests are for one key: any cache holds it, and there is nothing to learn."
        )
    if distinct == n:
        raise TrainingError(
            f"Each of the {n} requests is for another key, so no cache can have a hit; look at "
            "what stands in the key column (a timestamp or an id?)."
        )
    if not np.isfinite(requests.cost).all() or (requests.cost < 0).any():
        bad = int(np.flatnonzero(~(np.isfinite(requests.cost) & (requests.cost >= 0)))[0])
        raise TrainingError(
            f"The cost of request {bad} is {requests.cost[bad]:g}; a cost is a number of ms from 0 "
            "on: import the trace anew."
        )


def check_columns(columns: tuple[str, ...], trace: Trace) -> None:
    """See that each chosen column is there and says something.

    Raises:
        TrainingError: a column is unknown, chosen twice, or has no value in any row.
    """
    known = {column.name: column for column in trace.info.columns}
    for name in columns:
        if name not in known or name not in trace.requests.columns:
            raise TrainingError(
                f"The trace {trace.info.name!r} has no column {name!r}; it has: "
                f"{', '.join(known) or 'none'}."
            )
        if columns.count(name) > 1:
            raise TrainingError(f"The column {name!r} is chosen twice; choose it once.")
        if known[name].nulls >= 1.0:
            raise TrainingError(f"The column {name!r} has no value in any row; leave it out.")


def room_of(size: int | str, by_bytes: bool, requests: Requests) -> Room:
    """The room that a size means on these requests: a number, or a share such as "1%".

    A share is of the distinct keys, or of the bytes of each key's first result.

    Raises:
        TrainingError: no size, or a cache that holds nothing, or everything.
    """
    keys, first = np.unique(requests.key, return_index=True)
    whole = int(requests.size[first].sum()) if by_bytes else len(keys)
    capacity = _capacity(size, whole)
    unit = "bytes" if by_bytes else "results"
    if capacity < 1:
        raise TrainingError(f"A cache of {size} holds nothing; give a size from 1 on, or a share.")
    if capacity >= whole:
        raise TrainingError(
            f"A cache of {capacity} {unit} holds all {whole} {unit} that are ever asked for, so "
            "there is nothing to choose; give a smaller one."
        )
    return Room(capacity, by_bytes, requests.distinct)


def _capacity(size: int | str, whole: int) -> int:
    text = str(size).strip()
    try:
        if text.endswith("%"):
            share = float(text[:-1]) / 100.0
            return max(1, int(whole * share)) if share > 0 else 0
        return int(text)
    except (ValueError, OverflowError):
        raise TrainingError(
            f"The cache size {size!r} is neither a whole number nor a share such as 1%."
        ) from None
