"""What a person can do with the classic policies: compare them, and draw miss ratio curves.

Works without a running engine; files can be read without a store.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import msgspec

from engine.actions.store import given
from engine.actions.verdicts import FIGURES, verdicts
from engine.errors import PolicyError
from engine.settings import Settings

if TYPE_CHECKING:
    from engine.cache.simulator import Outcome
    from engine.jobs import JobHandle
    from engine.traces.trace import Trace

Beat = Callable[[float, str], bool]
"""Told the share done and how far we are; True: stop."""

SIZES = ("0.1%", "1%", "10%")
"""Default sizes, of what unlimited room would hold."""


class CompareWanted(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which policies on which requests: the parameters of a comparison and of its job.

    Args:
        trace: a stored trace's name, or a file of any format.
        sizes: capacities: `500`, `1%` of what unlimited room would hold, `64M`.
        by_bytes: whether sizes count.
        policies: rows of POLICIES; none: all.
        ttl_s: time to live in seconds of the trace's time; 0: for ever.
        judged_from: share of the requests that only warm the cache for the judged part.
        format: of a file; empty: told from name and content.
        mapping: `ours=theirs` column names of a file, separated by commas.
        unit: of a file's load times: s, ms or us.
        model_cost: model load times (labelled so).
        seed: of policies that sample, and of modelled costs.
    """

    trace: str = ""
    sizes: tuple[str, ...] = SIZES
    by_bytes: bool = False
    policies: tuple[str, ...] = ()
    ttl_s: float = 0.0
    judged_from: float = 0.5
    format: str = ""
    mapping: str = ""
    unit: str = ""
    model_cost: bool = False
    seed: int = 0


def policies() -> list[dict[str, Any]]:
    """Every policy: name, title, idea, paper, and whether it is a choice or a limit."""
    from engine.cache import POLICIES
    from engine.registry import resolve

    found = (resolve(POLICIES, name, "policy") for name in POLICIES)
    return [
        {
            "name": p.name,
            "title": p.title,
            "idea": p.idea,
            "paper": p.paper,
            "is_choice": p.is_choice,
        }
        for p in found
    ]


def check_compare(wanted: CompareWanted) -> None:
    """See that policies can be compared as asked, before anything is read.

    Raises:
        PolicyError: a size, share or time to live is out of range.
        UnknownName: there is no such policy.
    """
    from engine.cache import POLICIES

    _checked(wanted, POLICIES)


def compare_policies(
    wanted: CompareWanted, settings: Settings | None = None, beat: Beat | None = None
) -> dict[str, Any]:
    """Replay a trace through policies at several sizes, and say which is best.

    Raises:
        TraceError: there is no such trace or file, or it cannot be read.
        PolicyError: a size, share or time to live is out of range, or `beat` stopped it.
        UnknownName: there is no such policy.
    """
    from engine.cache import POLICIES
    from engine.cache.simulator import compare
    from engine.cache.sizes import footprint, parse_sizes

    names, sizes = _checked(wanted, POLICIES)
    trace = _opened(wanted, given(settings))
    whole = footprint(trace.requests, wanted.by_bytes)
    capacities = parse_sizes(sizes, whole)
    found = compare(
        trace.requests,
        names,
        capacities,
        by_bytes=wanted.by_bytes,
        ttl_s=wanted.ttl_s or None,
        judged_from=wanted.judged_from,
        seed=wanted.seed,
        beat=beat,
    )
    return _told(trace, wanted, whole, found)


def compare_job(params: Mapping[str, Any], job: JobHandle) -> Mapping[str, Any] | None:
    """The job "compare"; cancelled, it results in nothing."""
    wanted = msgspec.convert(params, CompareWanted, strict=False)

    def beat(share: float, message: str) -> bool:
        job.progress(share, message)
        return job.cancelled

    try:
        return compare_policies(wanted, beat=beat)
    except PolicyError:
        if job.heeded:
            return None
        raise


def miss_curve(
    wanted: CompareWanted,
    worth: str = "hit_ratio",
    settings: Settings | None = None,
    beat: Beat | None = None,
) -> dict[str, Any]:
    """Miss ratio curves of the wanted policies; its sizes if named, else 24 spaced by logarithm.

    Raises:
        TraceError: there is no such trace or file, or it cannot be read.
        PolicyError: a size is out of range, `worth` is no figure here, or `beat` stopped it.
        UnknownName: there is no such policy.
    """
    from engine.cache import POLICIES
    from engine.cache.curve import curve
    from engine.cache.sizes import footprint, parse_sizes, spaced

    names, sizes = _checked(wanted, POLICIES)
    trace = _opened(wanted, given(settings))
    whole = footprint(trace.requests, wanted.by_bytes)
    capacities = spaced(whole) if sizes == SIZES else parse_sizes(sizes, whole)
    curves = [
        curve(
            trace.requests,
            name,
            capacities,
            by_bytes=wanted.by_bytes,
            worth=worth,
            ttl_s=wanted.ttl_s or None,
            beat=beat,
        )
        for name in names
    ]
    return {**_head(trace, wanted, whole), "worth": worth, "curves": msgspec.to_builtins(curves)}


def _checked(
    wanted: CompareWanted, table: Mapping[str, str]
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Policies and sizes, refused before a long import if they make no sense."""
    from engine.cache.sizes import parse_sizes
    from engine.registry import require

    for name in wanted.policies:
        require(table, name, "policy")
    sizes = wanted.sizes or SIZES
    parse_sizes(sizes, 1)
    if wanted.ttl_s < 0:
        raise PolicyError(
            f"A time to live of {wanted.ttl_s} s keeps nothing; give 0 (for ever) or more."
        )
    if not 0 <= wanted.judged_from < 1:
        raise PolicyError(f"Judging from {wanted.judged_from} on leaves nothing; give 0 to 0.99.")
    return wanted.policies or tuple(table), sizes


def _opened(wanted: CompareWanted, settings: Settings) -> Trace:
    from engine.sources import parse_mapping
    from engine.traces.importing import open_trace
    from engine.traces.options import ROLES, Options

    options = Options(
        format=wanted.format,
        mapping=parse_mapping(wanted.mapping, "--mapping", ROLES),
        unit=wanted.unit,
        model_cost=wanted.model_cost,
        seed=wanted.seed,
    )
    return open_trace(wanted.trace, settings, options)


def _head(trace: Trace, wanted: CompareWanted, whole: int) -> dict[str, Any]:
    info = trace.info
    return {
        "trace": info.name,
        "origin": info.origin,
        "requests": len(trace.requests),
        "distinct": trace.requests.distinct,
        "footprint": whole,
        "by_bytes": wanted.by_bytes,
        "ttl_s": wanted.ttl_s,
        "costs": info.costs,
        "cost_model": info.cost_model,
        "sizes": info.sizes,
        "malformed": info.malformed,
    }


def _told(
    trace: Trace, wanted: CompareWanted, whole: int, found: Sequence[Outcome]
) -> dict[str, Any]:
    head = _head(trace, wanted, whole)
    outcomes = [
        {
            **{name: getattr(one, name) for name in ("policy", "title", "kind", "capacity")},
            "seconds": one.seconds,
            "whole": _figures(one.whole),
            "judged": _figures(one.judged),
        }
        for one in found
    ]
    shown = ["hit_ratio"]
    shown += ["byte_hit_ratio"] if wanted.by_bytes or head["sizes"] == "recorded" else []
    shown += ["load_time_saved"] if head["costs"] != "none" else []
    return {
        **head,
        "judged_requests": found[0].judged.requests if found else 0,
        "figures": shown,
        "outcomes": outcomes,
        "verdicts": [v for part in ("whole", "judged") for v in verdicts(outcomes, shown, part)],
    }


def _figures(tally: Any) -> dict[str, Any]:  # noqa: ANN401 - loading its class would load numpy
    return {name: getattr(tally, name) for name in FIGURES} | dict(msgspec.to_builtins(tally))
