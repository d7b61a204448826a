"""A study in words, as the command line prints it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from engine.terminal import rows

SHOWN = ("hit_ratio", "saved_s", "stale_hits", "overwritten", "steps", "seconds")
"""Figures beside the objective, as far as the kind has them."""


def shown(found: Mapping[str, Any]) -> str:
    """The tables and sentences of a study, as `engine.actions.study_results.study` tells it."""
    told = found["standing"]
    lines = [f"{found['name']}: {told['state']}, {told['told']}; {found['spec']['sampler']}."]
    if found["ranking"]:
        lines += ["", _ranking(found)]
    if found["references"]:
        each = (f"{title} {value:,.4g}" for title, value in found["references"].items())
        lines += ["", "For reference: " + ", ".join(each) + "."]
    if found["effects"]:
        lines += ["", _effects(found["effects"])]
    if found.get("values"):
        lines += ["", _values(found)]
    lines += ["", *found["sentences"]] if found["sentences"] else []
    if found["failed"]:
        lines += [""] + [
            f"Trial {one['trial']} {one['state']}: {one['reason']}" for one in found["failed"]
        ]
    return "\n".join(lines)


def differing(axes: Sequence[Mapping[str, Any]]) -> list[str]:
    """Names of the parameters that differ between configurations."""
    return [axis["name"] for axis in axes if len(axis.get("values") or [0, 0]) > 1]


def _ranking(found: Mapping[str, Any]) -> str:
    names = differing(found["spec"]["axes"])
    figures = [name for name in SHOWN if name in found["figures"]]
    head = [
        "TRIAL",
        *(name.upper() for name in names),
        found["objective"].upper(),
        "95 % INTERVAL",
        "BEATS BEST",
        "N",
        *(found["figures"][name]["title"].upper() for name in figures),
    ]
    return rows(head, [_line(one, names, figures, found) for one in found["ranking"]])


def _line(
    one: Mapping[str, Any], names: Sequence[str], figures: Sequence[str], found: Mapping[str, Any]
) -> list[str]:
    interval = "-" if one["low"] is None else f"{one['low']:,.4g} to {one['high']:,.4g}"
    given = one["config"] or {}
    values = [_value(given.get(name)) for name in names]
    kept = one["figures"] or {}
    told = [
        format(kept[name], found["figures"][name]["form"]) if name in kept else "-"
        for name in figures
    ]
    return [
        str(one["trial"]),
        *values,
        f"{one['objective']:,.4g}",
        interval,
        _share(one["improvement"]),
        str(one["runs"]),
        *told,
    ]


def _effects(effects: Sequence[Mapping[str, Any]]) -> str:
    lines = []
    for one in effects:
        way = "-" if one["direction"] is None else f"{one['direction']:+.2f}"
        interval = f"{one['low']:.0%} to {one['high']:.0%}"
        lines.append((one["name"], f"{one['share']:.0%}", interval, way, one["trials"]))
    return rows(("PARAMETER", "SHARE OF SPREAD", "95 % INTERVAL", "DIRECTION", "TRIALS"), lines)


def _values(found: Mapping[str, Any]) -> str:
    lines = []
    for one in found["values"]:
        interval = "-" if one["low"] is None else f"{one['low']:,.4g} to {one['high']:,.4g}"
        chance = _share(one["improvement"])
        if one["improvement_low"] is not None:
            chance += f" ({one['improvement_low']:.0%} to {one['improvement_high']:.0%})"
        lines.append(
            (one["name"], _value(one["value"]), f"{one['objective']:,.4g}", interval, chance,
             str(one["runs"]))
        )  # fmt: skip
    head = (
        "PARAMETER",
        "VALUE",
        found["objective"].upper(),
        "95 % INTERVAL",
        "BEATS THE NEXT",
        "N",
    )
    return rows(head, lines)


def _share(share: float | None) -> str:
    return "-" if share is None else f"{share:.0%}"


def _value(value: object) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)
