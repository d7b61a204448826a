"""Saying which policy is best, and whether there is anything to gain."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

FIGURES = {
    "hit_ratio": "hit ratio",
    "byte_hit_ratio": "byte hit ratio",
    "load_time_saved": "load time saved",
}
"""Figures that policies are compared by."""

ALIKE = 0.001
"""Ratios that differ by less are called as good as each other."""


def verdicts(
    outcomes: Sequence[Mapping[str, Any]], figures: Sequence[str], part: str
) -> list[dict[str, Any]]:
    """Who is best at each size by each figure, and by how much, in numbers and in a sentence.

    Args:
        outcomes: of every policy at every size, as `engine.actions.policies` tells them.
        figures: rows of FIGURES.
        part: whole or judged.
    """
    sizes = dict.fromkeys(one["capacity"] for one in outcomes)
    return [
        verdict
        for figure in figures
        for size in sizes
        if (verdict := _verdict([o for o in outcomes if o["capacity"] == size], figure, part))
    ]


def _verdict(
    outcomes: Sequence[Mapping[str, Any]], figure: str, part: str
) -> dict[str, Any] | None:
    """Who is best at one size, by one figure; None without a classic."""
    scores = {one["policy"]: one[part][figure] for one in outcomes}
    classics = [one for one in outcomes if one["kind"] == "classic"]
    if not classics:
        return None
    best = max(classics, key=lambda one: scores[one["policy"]])
    foretold = [one for one in outcomes if one["kind"] in ("optimum", "reference")]
    ahead = max(foretold, key=lambda one: scores[one["policy"]], default=None)
    bound = figure == "hit_ratio" and ahead is not None and ahead["kind"] == "optimum"
    return {
        "part": part,
        "figure": figure,
        "capacity": best["capacity"],
        "best": best["policy"],
        "ratio": scores[best["policy"]],
        "lru": scores.get("lru"),
        "foretold": ahead and scores[ahead["policy"]],
        "is_bound": bound,
        "sentence": _sentence(best, scores, ahead, figure, bound=bound),
    }


def _sentence(
    best: Mapping[str, Any],
    scores: Mapping[str, float],
    ahead: Mapping[str, Any] | None,
    figure: str,
    *,
    bound: bool,
) -> str:
    ratio, lru = scores[best["policy"]], scores.get("lru")
    at = f"At {best['capacity']:,} by {FIGURES[figure]}: "
    if lru is not None and ratio - lru < ALIKE:
        told = f"LRU is as good as anything ({lru:.4f})"
    else:
        told = f"{best['title']} is best ({ratio:.4f})"
        if lru is not None:
            told += f", {_points(ratio - lru)} ahead of LRU"
    if ahead is None:
        return at + told + "."
    room = scores[ahead["policy"]] - ratio
    name = "optimum" if bound else "reference that knows the future (no bound)"
    if room < ALIKE:
        return f"{at}{told}; the {name} is no better: there is no room to learn in."
    return f"{at}{told}; the {name} is another {_points(room)} ahead."


def _points(share: float) -> str:
    return f"{share * 100:.1f} points"
