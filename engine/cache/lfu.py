"""LFU: the result asked for the fewest times goes."""

from __future__ import annotations

from engine.cache.base import Policy, Replay, Room


class LFU(Policy):
    """Least frequently used since it was loaded; of equals the one not asked for the longest."""

    name = "lfu"
    title = "LFU"
    paper = (
        "A. V. Aho, P. J. Denning, J. D. Ullman, Principles of optimal page replacement, JACM 1971"
    )
    idea = "evicts what was asked for the fewest times since it was loaded"

    def start(self, room: Room, seed: int = 0) -> Replay:  # noqa: ARG002 - it draws nothing
        """An empty cache."""
        from engine.cache.worth import start_by_worth

        return start_by_worth(room, ageing=False, by_size=False, by_cost=False)
