"""No metric row is lost, and none is doubled."""

from __future__ import annotations

from collections import Counter

from engine.resilience.facts import Facts, some
from engine.resilience.findings import Seen, held, unsure
from engine.resilience.history import What


def rows(facts: Facts) -> Seen:
    """The rows in the store are those that were handed to their writer, each once."""
    asked = "every recorded row is stored once"
    recorded = facts.ids(What.RECORDED)
    stored = Counter(event.id for event in facts.of(What.STORED))
    if not recorded:
        return unsure("no row was recorded", asked)
    lost, strange = recorded - stored.keys(), stored.keys() - recorded
    twice = {id_ for id_, count in stored.items() if count > 1}
    wrong = lost | strange | twice
    told = (
        f"{len(recorded)} recorded, {stored.total()} stored: {len(lost)} lost, {len(twice)} "
        f"doubled, {len(strange)} of nobody"
    )
    return held(not wrong, told + (f" ({some(wrong)})" if wrong else ""), asked)
