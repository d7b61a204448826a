"""Whether a test could learn anything: it began steady, its load was honest, its fault real."""

from __future__ import annotations

from engine.resilience.facts import NS, Facts, percentile
from engine.resilience.findings import Seen, held, unsure
from engine.resilience.history import What


def before(facts: Facts) -> Seen:
    """Before the fault everything offered arrives, and soon; else nothing was learnt."""
    limit = facts.limits["steady_ms"]
    asked = f"before the fault everything arrives, p95 <= {limit:g} ms"
    steady = facts.phase("steady")
    if steady is None:
        return unsure("the steady phase never began", asked)
    sent = {e.id for e in facts.of(What.OFFERED) if steady[0] <= e.sent < steady[1]}
    delays = facts.delays_ms(*steady)
    p95 = percentile(delays, 0.95)
    ended = facts.ids(What.OVERWRITTEN) & sent
    told = f"{len(delays)} of {len(sent)} arrived, p95 {p95:.1f} ms, {len(ended)} overwritten"
    if not sent or p95 > limit or len(delays) < len(sent) * 0.95:
        return unsure(f"it was not steady before the fault, so nothing was learnt: {told}", asked)
    return held(True, told, asked)


def generator(facts: Facts) -> Seen:
    """The load kept its schedule while the queue answered; a slow machine proves nothing."""
    limit = facts.limits["late_ms"]
    asked = f"p95 of intended to offered <= {limit:g} ms in the steady phase"
    steady = facts.phase("steady")
    late = sorted(
        (e.at - e.sent) / 1e6
        for e in facts.of(What.OFFERED)
        if steady and steady[0] <= e.sent < steady[1]
    )
    if not late:
        return unsure("nothing was offered in the steady phase", asked)
    p95 = percentile(late, 0.95)
    told = f"p95 {p95:.1f} ms late over {len(late)} records"
    return (
        held(True, told, asked) if p95 <= limit else unsure(f"the machine is slow: {told}", asked)
    )


def injected(facts: Facts) -> Seen:
    """The fault was there: a test without its fault is no test."""
    faults = facts.of(What.INJECTED)
    asked = f"at least {facts.limits['faults']:g}"
    begun = facts.events[0].at if facts.events else 0
    told = ", ".join(f"{e.note} at {(e.at - begun) / NS:.2f} s" for e in faults[:6])
    if len(faults) < facts.limits["faults"]:
        return unsure(f"{len(faults)} faults: {told or 'none'}", asked)
    return held(True, told or "none was asked for", asked)
