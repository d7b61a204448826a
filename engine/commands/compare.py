"""`python -m engine compare`: every classic policy on a trace or file, and what is best."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from engine.settings import Settings
from engine.terminal import rows, say

_HELP = "Replay a trace or file through the classic policies and say which is best at each size."


def add(commands: Any) -> None:  # noqa: ANN401 - argparse keeps its class of subparsers private
    """Declare the command."""
    made = commands.add_parser("compare", help=_HELP, description=_HELP)
    made.add_argument("trace", metavar="FILE|TRACE", help="a stored trace, or a file of any format")
    made.add_argument("--sizes", nargs="+", default=[], metavar="SIZE", help=_SIZES)
    made.add_argument("--bytes", dest="by_bytes", action="store_true", help="sizes are bytes")
    made.add_argument("--policies", nargs="+", default=[], metavar="NAME", help="default: all")
    made.add_argument("--ttl", dest="ttl_s", type=float, default=0.0, metavar="SECONDS", help=_TTL)
    made.add_argument("--part", choices=("whole", "judged"), default="whole", help=_PART)
    made.add_argument("--format", default="", help="of a file; default: as it looks")
    made.add_argument("--mapping", default="", metavar="OURS=THEIRS,…", help="columns of a file")
    made.add_argument("--unit", default="", help="of a file's load times: s, ms or us")
    made.add_argument("--model-cost", action="store_true", help="model load times (labelled so)")
    made.add_argument("--seed", type=int, default=0, help="of policies that sample")
    made.add_argument("--json", action="store_true", help="as JSON")
    made.set_defaults(run=run)


_SIZES = "such as 500, 1%% of what unlimited room would hold, 64M; default: 0.1%% 1%% 10%%"
_TTL = "results end so long after loading, in the trace's time"
_PART = "print all requests, or the newer half with a cache warmed by the older (default: whole)"


def run(given: argparse.Namespace, settings: Settings) -> int:
    """Compare and print."""
    from engine.actions.policies import CompareWanted, compare_policies

    names = set(CompareWanted.__struct_fields__) & set(vars(given))
    wanted = msgspec.convert({name: getattr(given, name) for name in names}, CompareWanted)
    found = compare_policies(wanted, settings, _beat(given.json))
    say(json.dumps(found, indent=1) if given.json else shown(found, given.part))
    return 0


def shown(told: Mapping[str, Any], part: str) -> str:
    """The tables and sentences of a comparison, as `engine.actions.policies` tells it.

    Args:
        told: the comparison.
        part: whole or judged.
    """
    from engine.actions.verdicts import FIGURES

    lines = [_head(told, part)]
    for figure in told["figures"]:
        label = FIGURES[figure]
        if figure == "load_time_saved" and told["costs"] == "modelled":
            label += " (modelled, not measured)"
        lines += ["", label[0].upper() + label[1:], _table(told, figure, part), ""]
        lines += [
            v["sentence"] for v in told["verdicts"] if (v["figure"], v["part"]) == (figure, part)
        ]
    return "\n".join(lines)


def _head(told: Mapping[str, Any], part: str) -> str:
    unit = "bytes" if told["by_bytes"] else "results"
    judged = "all of them, from an empty cache"
    if part == "judged":
        judged = f"the last {told['judged_requests']:,}, with a cache warmed by the others"
    of_what = f"{told['requests']:,} requests for {told['distinct']:,} keys"
    whole = f"sizes in {unit} of {told['footprint']:,}"
    lines = [f"{told['trace']}: {of_what}; {whole}; judged on {judged}."]
    if told["ttl_s"]:
        lines.append(f"Results end {told['ttl_s']:g} s after they were loaded.")
    if told["malformed"]:
        lines.append(f"{told['malformed']:,} malformed lines were left out.")
    if told["costs"] == "modelled":
        lines.append(f"Load times are modelled. {told['cost_model']}")
    if told["costs"] == "none":
        lines.append("No load times are known; every miss counts the same.")
    return "\n".join(lines)


def _table(told: Mapping[str, Any], figure: str, part: str) -> str:
    """Policies by sizes, choices before limits; * marks the best choice, = a bound, - no choice."""
    sizes = list(dict.fromkeys(one["capacity"] for one in told["outcomes"]))
    by_policy: dict[str, list[Mapping[str, Any]]] = {}
    for one in told["outcomes"]:
        by_policy.setdefault(one["policy"], []).append(one)
    best = {
        size: max(
            (o[part][figure] for o in told["outcomes"] if _chosen(o) and o["capacity"] == size),
            default=-1.0,
        )
        for size in sizes
    }
    ordered = sorted(by_policy.values(), key=lambda found: _order(found, figure, part))
    lines = [
        [_mark(found[0], figure) + found[0]["title"]]
        + [
            f"{o[part][figure]:.4f}"
            + (" *" if _chosen(o) and o[part][figure] == best[o["capacity"]] else "")
            for o in found
        ]
        for found in ordered
    ]
    return rows(["  POLICY", *(f"{size:,}" for size in sizes)], lines)


def _chosen(outcome: Mapping[str, Any]) -> bool:
    return bool(outcome["kind"] == "classic")


def _order(found: Sequence[Mapping[str, Any]], figure: str, part: str) -> tuple[bool, float]:
    return not _chosen(found[0]), -sum(one[part][figure] for one in found)


def _mark(outcome: Mapping[str, Any], figure: str) -> str:
    if _chosen(outcome):
        return "  "
    return "= " if outcome["kind"] == "optimum" and figure == "hit_ratio" else "- "


def _beat(is_quiet: bool) -> Any:  # noqa: ANN401 - a function
    is_shown = sys.stderr.isatty() and not is_quiet

    def beat(share: float, message: str) -> bool:
        if is_shown:
            end = "\r\033[K" if share >= 1 else "\033[K"
            sys.stderr.write(f"\r{share:4.0%}  {message}{end}")
        return False

    return beat
