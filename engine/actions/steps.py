"""Showing a model's steps: what was decided at each request, and why."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec

from engine.actions.models import model_store
from engine.actions.store import given
from engine.actions.trace_data import trace_for
from engine.errors import TrainingError
from engine.settings import Settings


class StepsWanted(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which steps of which model.

    Args:
        model: number or alias.
        trace: to replay; empty: the one it was trained on.
        count: requests to look at.
        around: request of the test part in their middle; -1: the first ones.
        find: only steps whose key or evicted keys contain this text.
        size: another capacity than its own, or a share; empty: its own.
        output: file to write the steps to as Parquet; empty: none.
    """

    model: int | str
    trace: str = ""
    count: int = 500
    around: int = -1
    find: str = ""
    size: int | str = ""
    output: str = ""


def show_steps(wanted: StepsWanted, settings: Settings | None = None) -> dict[str, Any]:
    """The steps of a stretch, the series of its plots, and the cache's members at its end.

    Raises:
        ModelError: no such model, or its files are not in order.
        TraceError: the trace cannot be read.
        TrainingError: more steps than can be told, or the file cannot be written.
    """
    from engine.models import registry
    from engine.training.data import room_of
    from engine.training.evaluation import check_fit
    from engine.training.steps import explain, series, write

    known = given(settings)
    with model_store(known) as store:
        policy = registry.load(store, known, wanted.model)
    data = policy.spec.data
    asked = wanted.trace or str(data.get("asked") or data.get("name", ""))
    trace = trace_for(asked, "", int(data.get("limit", 0)), "", known)
    check_fit(trace, [policy])
    room = room_of(wanted.size, policy.spec.by_bytes, trace.requests) if wanted.size else None
    stretch = explain(
        trace, policy, around=wanted.around, count=wanted.count, find=wanted.find, room=room
    )
    if wanted.output:
        path = Path(wanted.output)
        if path.suffix != ".parquet":
            raise TrainingError(f"{wanted.output} is no Parquet file; give a name.parquet.")
        write(stretch, path)
    told: dict[str, Any] = msgspec.to_builtins(stretch)
    return told | {"series": series(stretch)}
