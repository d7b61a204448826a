"""Judges a history: runs checkers; one that crashed could not tell."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from engine.registry import resolve
from engine.resilience.checkers import CHECKERS
from engine.resilience.facts import Facts
from engine.resilience.findings import Finding, Verdict
from engine.resilience.history import Event


def judge(
    events: Sequence[Event], checkers: Sequence[str], limits: Mapping[str, float]
) -> list[Finding]:
    """Every checker's finding, in their order.

    Raises:
        UnknownName: there is no such checker.
    """
    facts = Facts(events, limits)
    found: list[Finding] = []
    for name in checkers:
        check = resolve(CHECKERS, name, "checker")
        try:
            seen = check(facts)
        except Exception as error:  # noqa: BLE001 - a crash proves nothing, least of all a pass
            told = f"the checker itself failed: {type(error).__name__}: {error}"
            found.append(Finding(name, Verdict.UNKNOWN, told, "a checker that works"))
            continue
        found.append(Finding(name, seen.verdict, seen.evidence, seen.threshold))
    return found
