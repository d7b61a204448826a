"""Delays are never negative, and the pipeline comes back in time after a fault."""

from __future__ import annotations

from engine.resilience.facts import NS, Facts, percentile, some
from engine.resilience.findings import Seen, held, unsure
from engine.resilience.history import What
from engine.resilience.lateness import timely


def never_negative(facts: Facts) -> Seen:
    """Intended send <= accepted <= handed out <= seen by the consumer."""
    wrong = {
        event.id
        for event in facts.of(What.HANDED)
        if not 0 < event.sent <= event.accepted <= event.handed <= event.at
    }
    count = len(facts.of(What.HANDED))
    seen = f"{len(wrong)} of {count} deliveries" + (f": {some(wrong)}" if wrong else "")
    return held(not wrong, seen, "none before its cause")


def recovery(facts: Facts) -> Seen:
    """After each fault the next delivery of a record accepted since comes in time.

    Counted from the fault; where it lasts by its own nature (a stall), from its end.
    """
    limit = facts.limits["recovery_s"]
    asked = f"<= {limit:g} s"
    faults = [e for e in facts.of(What.INJECTED) if e.value <= 0]
    ended = {(e.note, e.id): e.at for e in facts.of(What.HEALED)}
    begun = [e.at for e in faults]
    begun += [ended[e.note, e.id] for e in facts.of(What.INJECTED) if (e.note, e.id) in ended]
    if not begun:
        return unsure("no fault was injected", asked)
    took: list[float] = []
    for at in sorted(set(begun)):
        after = _next_delivery(facts, at)
        if after is None:
            offered = any(e.at >= at for e in facts.of(What.OFFERED))
            if not offered:
                return unsure("nothing was offered after the fault, so nothing could come", asked)
            return held(False, "no delivery of a later record ever came", asked)
        took.append((after - at) / NS)
    slowest = max(took)
    told = f"the slowest of {len(took)} took {slowest:.3f} s"
    return timely(slowest, limit, facts, told, asked)


def _next_delivery(facts: Facts, at: int) -> int | None:
    """When the first record was handed out that was accepted since `at`, ns."""
    since = (e.handed for e in facts.of(What.HANDED) if e.accepted >= at)
    return min(since, default=None)


def _back_at(facts: Facts) -> int:
    """When deliveries went on after the last fault, ns; 0 where there was none or never."""
    faults = [e.at for kind in (What.INJECTED, What.HEALED) for e in facts.of(kind)]
    return _next_delivery(facts, max(faults)) or 0 if faults else 0


def settled(facts: Facts) -> Seen:
    """At the end, delays are about what they were before the fault."""
    floor, times = facts.limits["settled_ms"], facts.limits["settled_times"]
    steady, after = facts.phase("steady"), facts.phase("after")
    if steady is None or after is None:
        return unsure("the test did not reach its end", f"p95 <= {times:g} times before")
    before_ms = percentile(facts.delays_ms(*steady), 0.95)
    # The first half works off what the fault left behind.
    sends = sorted(e.sent for e in facts.of(What.OFFERED) if after[0] <= e.sent < after[1])
    late = facts.delays_ms(sends[len(sends) // 2], after[1]) if sends else []
    limit = max(floor, times * before_ms)
    asked = f"p95 of the last half <= {limit:.0f} ms"
    if sends and _back_at(facts) > sends[len(sends) // 2]:
        # How late it came back is judged by itself.
        return unsure("the pipeline was not yet back when the last half was sent", asked)
    if not late:
        return unsure("no record was sent and delivered after the fault", asked)
    now = percentile(late, 0.95)
    told = f"p95 {now:.1f} ms, {before_ms:.1f} ms before"
    return timely(now / 1000, limit / 1000, facts, told, asked)
