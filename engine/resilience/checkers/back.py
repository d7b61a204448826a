"""Each service of the live engine that a fault ended runs again, and soon."""

from __future__ import annotations

import itertools
from collections import defaultdict

from engine.resilience.facts import NS, Facts
from engine.resilience.findings import Seen, held, unsure
from engine.resilience.history import What
from engine.resilience.lateness import timely

RUNS = "running"


def back(facts: Facts) -> Seen:
    """What ran before the faults runs after them; counted from the fault that ended it."""
    limit = facts.limits["back_s"]
    asked = f"every service that ran before runs again within {limit:g} s"
    fault = facts.phase("fault")
    states: dict[str, list[tuple[int, str]]] = defaultdict(list)
    for event in facts.of(What.STATE):
        if event.by == "watch":
            states[event.id].append((event.at, event.note.partition(": ")[2].partition(" ")[0]))
    if fault is None or not states:
        return unsure("the states of the services were never seen", asked)
    begun = sorted(event.at for event in facts.of(What.INJECTED))
    took: dict[str, float] = {}
    for name, seen in states.items():
        if RUNS not in {state for at, state in seen if at <= fault[0]}:
            continue
        if seen[-1][1] != RUNS:
            return held(False, f"{name} is {seen[-1][1]} at the end", asked)
        for (at, state), (then, _) in itertools.pairwise(seen):
            if state != RUNS and at >= fault[0]:
                struck = max((one for one in begun if one <= at), default=at)
                took[name] = max(took.get(name, 0.0), (then - struck) / NS)
    told = ", ".join(f"{name} {seconds:.2f} s" for name, seconds in sorted(took.items()))
    slowest = max(took.values(), default=0.0)
    return timely(slowest, limit, facts, f"away: {told or 'none'}", asked)
