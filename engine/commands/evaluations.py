"""How an evaluation is printed: a table a size, and a sentence a size."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from engine.terminal import rows

_NAMES = {
    "hit_ratio": "hit ratio",
    "byte_hit_ratio": "byte hit ratio",
    "load_time_saved": "load time saved",
    "value_ratio": "value",
}


def shown(told: Mapping[str, Any]) -> str:
    """The tables and sentences of an evaluation, as `engine.actions.evaluating` tells it."""
    unit = "bytes" if told["by_bytes"] else "results"
    head = (
        f"{told['trace']}: {told['requests']:,} requests; judged on the last {told['judged']:,} "
        f"with a warm cache, ranked by {_NAMES[told['metric']]}."
    )
    lines = [head]
    if told["costs"] == "modelled":
        lines.append(f"Load times are modelled. {told['cost_model']}")
    if told.get("remark"):
        lines.append(told["remark"])
    sizes = dict.fromkeys(score["capacity"] for score in told["scores"])
    for capacity in sizes:
        lines += ["", f"Cache of {capacity:,} {unit}", _table(told, capacity)]
        lines += [v["sentence"] for v in told["verdicts"] if v["capacity"] == capacity]
    return "\n".join(lines)


def _table(told: Mapping[str, Any], capacity: int) -> str:
    metric = told["metric"]
    found = [score for score in told["scores"] if score["capacity"] == capacity]
    found.sort(key=lambda score: -score[metric])
    weighed = metric == "value_ratio"
    head = ["POLICY", "HIT RATIO", "BYTES", "TIME SAVED", *(["VALUE"] if weighed else [])]
    head += ["95 % OVER TIME", "95 % OVER SEEDS", "US/REQUEST"]
    return rows(head, [_line(score, told["costs"], weighed) for score in found])


def _line(score: Mapping[str, Any], costs: str, weighed: bool) -> list[str]:
    mark = {"learned": "* ", "optimum": "= ", "reference": "- "}.get(score["kind"], "  ")
    saved = "-" if costs == "none" else f"{score['load_time_saved']:.4f}"
    return [
        mark + score["title"],
        f"{score['hit_ratio']:.4f}",
        f"{score['byte_hit_ratio']:.4f}",
        saved,
        *([f"{score['value_ratio']:.4f}"] if weighed else []),
        _interval(score["time_low"], score["time_high"]),
        _interval(score["seed_low"], score["seed_high"]),
        f"{score['us_per_request']:.2f}",
    ]


def _interval(low: float | None, high: float | None) -> str:
    return "" if low is None or high is None else f"{low:.4f}-{high:.4f}"
