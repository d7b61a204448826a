"""Judging models again: on other sizes, beside other policies, on another trace.

Works without a running engine; numba is loaded when something is replayed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import msgspec

from engine.actions.models import model_store
from engine.actions.store import audited, given
from engine.actions.trace_data import replaced, trace_for
from engine.execution.base import Order
from engine.execution.local import LocalExecutor
from engine.settings import Settings
from engine.training.curves import Listener

if TYPE_CHECKING:
    from engine.execution.base import Executor


class EvaluateWanted(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An evaluation: the parameters of the job "evaluate" as well.

    Args:
        model: number or alias; its seeds' siblings are judged with it.
        trace: to judge on; empty: the one it was trained on.
        sizes: capacities, or shares such as "1%"; none: its own and 10.
        policies: classics to stand beside; none: all.
    """

    model: int | str
    trace: str = ""
    sizes: tuple[int | str, ...] = ()
    policies: tuple[str, ...] = ()


def evaluate_model(
    wanted: EvaluateWanted,
    who: str = "terminal",
    settings: Settings | None = None,
    listener: Listener | None = None,
    executor: Executor | None = None,
) -> dict[str, Any]:
    """Judge a model with the other seeds of its training; returns and keeps the evaluation.

    Raises:
        ModelError: no such model, or its files are not in order.
        TraceError: the trace cannot be read.
        EvaluationCancelled: it was.
        TrainingError: the trace does not fit, or a size is none.
    """
    from engine.models import registry
    from engine.training.data import room_of

    known = given(settings)
    params = msgspec.structs.asdict(wanted)
    with audited(known, who, "evaluate", params), model_store(known) as store:
        numbers = siblings(registry.models(store), registry.model(store, wanted.model))
        policies = [registry.load(store, known, number) for number in numbers]
        spec = policies[0].spec
        data = spec.data
        asked = str(data.get("asked") or data.get("name", ""))
        trace = trace_for(wanted.trace or asked, "", int(data.get("limit", 0)), who, known)
        sizes = [
            room_of(size, spec.by_bytes, trace.requests).capacity
            for size in wanted.sizes or _sizes(spec.capacity, spec.by_bytes)
        ]
        judged = {"capacities": sizes, "classics": _named(wanted.policies)}
        order = Order("evaluate", trace, judged, policies)
        told = (executor or LocalExecutor()).run(order, listener or Listener()).told
        told["remark"] = replaced(data, trace.info)
        for number in numbers:
            registry.set_evaluation(store, number, told)
    return {"models": numbers, **told}


def siblings(rows: Sequence[Mapping[str, Any]], row: Mapping[str, Any]) -> list[int]:
    """The numbers of the models that one training made with its seeds, in their order."""
    group = ((row["spec"] or {}).get("data") or {}).get("group")
    if not group:
        return [int(row["id"])]
    alike = [one for one in rows if ((one["spec"] or {}).get("data") or {}).get("group") == group]
    return sorted({int(one["id"]) for one in alike} | {int(row["id"])})


def _sizes(capacity: int, by_bytes: bool) -> tuple[int, ...]:
    return (capacity,) if by_bytes else tuple(sorted({10, capacity}))


def _named(policies: tuple[str, ...]) -> tuple[str, ...]:
    from engine.cache import POLICIES
    from engine.registry import require

    for name in policies:
        require(POLICIES, name, "policy")
    return policies or tuple(POLICIES)
