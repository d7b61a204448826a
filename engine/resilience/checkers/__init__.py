"""Checkers: pure functions from a history to a verdict with evidence."""

from __future__ import annotations

CHECKERS: dict[str, str] = {
    "steady": "engine.resilience.checkers.steady:before",
    "generator": "engine.resilience.checkers.steady:generator",
    "injected": "engine.resilience.checkers.steady:injected",
    "conservation": "engine.resilience.checkers.ends:conservation",
    "once": "engine.resilience.checkers.ends:once",
    "phantom": "engine.resilience.checkers.ends:phantom",
    "duplicates": "engine.resilience.checkers.ends:duplicates",
    "order": "engine.resilience.checkers.order:order",
    "epochs": "engine.resilience.checkers.order:epochs",
    "depth": "engine.resilience.checkers.order:depth",
    "delays": "engine.resilience.checkers.delays:never_negative",
    "recovery": "engine.resilience.checkers.delays:recovery",
    "settled": "engine.resilience.checkers.delays:settled",
    "healed": "engine.resilience.checkers.left:healed",
    "leaks": "engine.resilience.checkers.left:leaks",
    "proofs": "engine.resilience.checkers.left:proofs",
    "back": "engine.resilience.checkers.back:back",
    "rows": "engine.resilience.checkers.rows:rows",
}
"""Name -> the function `check(facts) -> Seen`."""
