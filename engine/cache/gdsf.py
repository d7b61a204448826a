"""GDSF: frequency, size and cost in one number, above an age that forgets old fame."""

from __future__ import annotations

from engine.cache.base import Policy, Replay, Room


class GDSF(Policy):
    """Greedy dual with size and frequency; every miss costs the same."""

    name = "gdsf"
    title = "GDSF"
    paper = (
        "L. Cherkasova, Improving WWW proxies performance with greedy-dual-size-frequency caching "
        "policy, HP Labs HPL-98-69, 1998"
    )
    idea = "evicts the least frequency by size above an age that rises with every eviction"

    def start(self, room: Room, seed: int = 0) -> Replay:  # noqa: ARG002 - it draws nothing
        """An empty cache."""
        from engine.cache.worth import start_by_worth

        return start_by_worth(room, ageing=True, by_size=True, by_cost=False)


class GDSFCost(Policy):
    """Greedy dual with size and frequency, a miss costing what it was last seen to cost."""

    name = "gdsf-cost"
    title = "GDSF (cost)"
    paper = GDSF.paper
    idea = "evicts the least frequency times cost by size above the same rising age"

    def start(self, room: Room, seed: int = 0) -> Replay:  # noqa: ARG002 - it draws nothing
        """An empty cache."""
        from engine.cache.worth import start_by_worth

        return start_by_worth(room, ageing=True, by_size=True, by_cost=True)
