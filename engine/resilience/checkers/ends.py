"""Every accepted record ends exactly once: acknowledged, overwritten, expired or still queued."""

from __future__ import annotations

import math
from collections import Counter

from engine.broker.base import CAPACITY
from engine.resilience.facts import Facts, some
from engine.resilience.findings import Seen, held, unsure
from engine.resilience.history import Event, What


def conservation(facts: Facts) -> Seen:
    """The ids that ended, and the queue's own totals, add up to what was accepted.

    A reply that a fault swallowed can have named overwritten or acknowledged ids; the queue
    counted them. So ids without a named end are excused where a fault was, at most a ring full for
    each, and only if the totals hold them.
    """
    asked = "accepted = acknowledged + overwritten + expired + queued, by ids and by totals"
    total = facts.final
    if total is None:
        return unsure("the queue's totals were not read after the drain", asked)
    by_total = total.acknowledged + total.overwritten + total.expired + total.depth
    accepted = facts.ids(What.ACCEPTED)
    named = facts.ids(What.OVERWRITTEN)
    done = facts.ids(What.ACKNOWLEDGED) - named  # what came too late counts as overwritten
    queued = facts.ids(What.QUEUED)
    endless = accepted - named - done - queued
    nameless = total.overwritten - len(named) + total.acknowledged - len(done) + total.expired
    told = (
        f"{len(accepted)} ids, {total.accepted} by the queue's count: {total.acknowledged} "
        f"acknowledged, {total.overwritten} overwritten, {total.expired} expired, {total.depth} "
        "queued"
    )
    if total.accepted != by_total or total.damaged:
        return held(False, f"{told}; the totals do not add up ({total.damaged} damaged)", asked)
    if total.accepted != len(accepted) or total.depth != len(queued):
        return held(False, f"{told}; the ids are not as many as the queue counted", asked)
    swallowed = sum(len(facts.of(kind)) for kind in (What.INJECTED, What.GONE, What.FAILED))
    if len(endless) != nameless or nameless - total.expired > swallowed * CAPACITY:
        return held(False, f"{told}; {len(endless)} have no end: {some(endless)}", asked)
    return held(bool(accepted), told, asked)


def once(facts: Facts) -> Seen:
    """No record has two ends.

    A record that goes back because its consumer's connection broke can be overwritten before the
    acknowledgement comes on a new connection, which then changes nothing: that is one end.
    """
    kinds = (What.ACKNOWLEDGED, What.OVERWRITTEN, What.QUEUED)
    ends = [facts.ids(kind) for kind in kinds]
    late = ends[0] & ends[1] & _given_back(facts)
    both = (ends[0] & ends[1] - late) | (ends[0] & ends[2]) | (ends[1] & ends[2])
    named = Counter(event.id for event in facts.of(What.OVERWRITTEN))
    both |= {id_ for id_, count in named.items() if count > 1}
    seen = f"{len(both)} with two ends, {len(late)} acknowledged too late" + (
        f": {some(both)}" if both else ""
    )
    return held(not both, seen, "no id ends in two ways")


def _given_back(facts: Facts) -> set[str]:
    """Ids that a fault can have taken from their consumer's hand.

    Either it began between their last hand-out and their acknowledgement, or it lasted on then and
    they were overwritten before the acknowledgement came.
    """
    handed = {event.id: event.handed for event in facts.of(What.HANDED)}
    replaced = {event.id: event.at for event in facts.of(What.OVERWRITTEN)}
    healed = {(event.note, event.id): event.at for event in facts.of(What.HEALED)}
    spans = [
        (event.at, healed.get((event.note, event.id), math.inf if event.value > 0 else event.at))
        for event in facts.of(What.INJECTED)
    ]

    def is_taken(acknowledged: Event) -> bool:
        got, done = handed.get(acknowledged.id, math.inf), acknowledged.at
        if any(got < begun < done for begun, _ in spans):
            return True
        was_early = replaced.get(acknowledged.id, math.inf) < done
        return was_early and any(begun < done and got < over for begun, over in spans)

    return {event.id for event in facts.of(What.ACKNOWLEDGED) if is_taken(event)}


def phantom(facts: Facts) -> Seen:
    """Nothing is handed out that nobody offered, nor acknowledged that nobody got."""
    handed = facts.ids(What.HANDED)
    made_up = handed - facts.ids(What.OFFERED)
    unseen = facts.ids(What.ACKNOWLEDGED) - handed
    strange = made_up | unseen
    seen = f"{len(made_up)} handed and never offered, {len(unseen)} acknowledged and never handed"
    return held(
        not strange, seen + (f": {some(strange)}" if strange else ""), "none, of either kind"
    )


def duplicates(facts: Facts) -> Seen:
    """Handed out again only what was not acknowledged, and then marked as such."""
    acknowledged: dict[str, int] = {}
    for event in facts.of(What.ACKNOWLEDGED):
        acknowledged.setdefault(event.id, event.at)
    seen: set[str] = set()
    unmarked: set[str] = set()
    late: set[str] = set()
    again = 0
    for event in facts.of(What.HANDED):
        if event.id in seen:
            again += 1
            if not event.again:
                unmarked.add(event.id)
            if event.handed > acknowledged.get(event.id, event.handed):
                late.add(event.id)
        seen.add(event.id)
    told = (
        f"{again} handed out again; {len(unmarked)} of them unmarked, {len(late)} after their "
        "acknowledgement"
    )
    wrong = unmarked | late
    return held(
        not wrong,
        told + (f": {some(wrong)}" if wrong else ""),
        "none unmarked, none after its acknowledgement",
    )
