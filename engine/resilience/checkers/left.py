"""Nothing is left behind; what was harmed is healed; a scenario's own proofs hold."""

from __future__ import annotations

from engine.resilience.facts import Facts
from engine.resilience.findings import Seen, Verdict, held, unsure
from engine.resilience.history import What
from engine.resilience.lateness import timely

SPARE = 4
"""Handles that a process may have more than before, of whoever talks to it just then."""

SHOWN = 10
"""Observations that are told."""

TIMED = "seconds"
"""How the name of an observation begins that is a duration."""


def healed(facts: Facts) -> Seen:
    """Every fault that lasts has its end."""
    lasting = {(e.note, e.id) for e in facts.of(What.INJECTED) if e.value > 0}
    ended = {(e.note, e.id) for e in facts.of(What.HEALED)}
    open_ = sorted(note for note, _ in lasting - ended)
    told = f"{len(lasting)} lasting faults, {len(open_)} not healed"
    return held(not open_, told + (f": {', '.join(open_)}" if open_ else ""), "all healed")


def leaks(facts: Facts) -> Seen:
    """No process, socket or file handle outlives the test, and no process gathers handles."""
    asked = f"nothing left; at most {SPARE} handles more in a process than before"
    if not facts.of(What.SWEPT):
        return unsure("nobody looked for what was left", asked)
    left = [e.note for e in facts.of(What.LEFT)]
    counts: dict[str, dict[str, float]] = {"before": {}, "after": {}}
    for event in facts.of(What.HANDLES):
        counts[event.note][event.id] = event.value
    both = counts["before"].keys() & counts["after"].keys()
    more = {name: counts["after"][name] - counts["before"][name] for name in both}
    left += [f"{count:g} handles more in {name}" for name, count in more.items() if count > SPARE]
    told = f"{len(left)} left" + (f": {'; '.join(left[:4])}" if left else "")
    if more:
        told += f"; at most {max(more.values()):+g} handles in {len(more)} processes"
    return held(not left, told, asked)


def proofs(facts: Facts) -> Seen:
    """What the scenario itself observed lies within its bounds."""
    shown = facts.of(What.PROOF)
    wrong = [e for e in shown if not e.value <= e.limit]
    if not shown:
        return unsure("the scenario observed nothing", "its own observations")
    told = "; ".join(f"{e.note}: {e.value:.4g}" for e in (wrong or shown)[:SHOWN])
    asked = "; ".join(f"{e.note} <= {e.limit:.4g}" for e in (wrong or shown)[:SHOWN])
    if not wrong or not all(e.note.startswith(TIMED) for e in wrong):
        return held(not wrong, told, asked)
    seen = [timely(e.value, e.limit, facts, told, asked) for e in wrong]
    return next((one for one in seen if one.verdict is Verdict.FAIL), seen[0])
