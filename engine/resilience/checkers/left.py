"""Nothing is left behind; what was harmed is healed; a scenario's own proofs hold."""

from __future__ import annotations

from engine.resilience.facts import Facts
from engine.resilience.findings import Seen, Verdict, held, unsure
from engine.resilience.history import What
from engine.resilience.lateness import timely

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
    """No process, socket, file handle or thread outlives the test."""
    asked = "no process, socket or handle left"
    if not facts.of(What.SWEPT):
        return unsure("nobody looked for what was left", asked)
    left = [e.note for e in facts.of(What.LEFT)]
    return held(not left, f"{len(left)} left" + (f": {'; '.join(left[:4])}" if left else ""), asked)


def proofs(facts: Facts) -> Seen:
    """What the scenario itself observed lies within its bounds."""
    shown = facts.of(What.PROOF)
    wrong = [e for e in shown if not e.value <= e.limit]
    if not shown:
        return unsure("the scenario observed nothing", "its own observations")
    told = "; ".join(f"{e.note}: {e.value:.4g}" for e in (wrong or shown)[:6])
    asked = "; ".join(f"{e.note} <= {e.limit:.4g}" for e in (wrong or shown)[:6])
    if not wrong or not all(e.note.startswith(TIMED) for e in wrong):
        return held(not wrong, told, asked)
    seen = [timely(e.value, e.limit, facts, told, asked) for e in wrong]
    return next((one for one in seen if one.verdict is Verdict.FAIL), seen[0])
