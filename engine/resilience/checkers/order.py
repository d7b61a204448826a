"""First in, first out for each producer; never deeper than the ring; epochs rise one by one."""

from __future__ import annotations

from itertools import pairwise

from engine.broker.base import CAPACITY, MAX_LEASED
from engine.resilience.facts import Facts, some
from engine.resilience.findings import Seen, held, unsure
from engine.resilience.history import What


def order(facts: Facts) -> Seen:
    """Each producer's records are first handed out in the order in which it put them."""
    newest: dict[str, int] = {}
    wrong: set[str] = set()
    for event in sorted(facts.first_handed.values(), key=lambda e: (e.handed, e.at)):
        producer, _, number = event.id.rpartition("-")
        if not number.isdecimal():
            continue
        if int(number) < newest.get(producer, -1):
            wrong.add(event.id)
        newest[producer] = max(int(number), newest.get(producer, -1))
    count = len(facts.first_handed)
    seen = f"{len(wrong)} of {count} out of order" + (f": {some(wrong)}" if wrong else "")
    return held(not wrong, seen, "none")


def epochs(facts: Facts) -> Seen:
    """Each start of the server raises the epoch by one; none is used twice, none goes back."""
    counted = [e.counted.epoch for e in facts.of(What.SAMPLE) if e.counted is not None]
    if not counted:
        return unsure("the queue's counters were never read", "epochs rise")
    fell = sum(later < earlier for earlier, later in pairwise(counted))
    kills = sum(e.note.startswith("queue") for e in facts.of(What.GONE))
    rise = counted[-1] - counted[0]
    seen = f"epoch {counted[0]} to {counted[-1]}, the server was ended {kills} times"
    return held(fell == 0 and rise == kills, seen, "one more for each start of the server")


def depth(facts: Facts) -> Seen:
    """Queued and leased together never exceed the ring, leased alone never its half."""
    counted = [e.counted for e in facts.events if e.counted is not None]
    if not counted:
        return unsure("the queue's counters were never read", f"depth <= {CAPACITY}")
    deepest = max(c.depth for c in counted)
    leased = max(c.leased for c in counted)
    return held(
        deepest <= CAPACITY and leased <= MAX_LEASED,
        f"at most {deepest} deep and {leased} leased in {len(counted)} looks",
        f"depth <= {CAPACITY}, leased <= {MAX_LEASED}",
    )
