"""Clock2Q+: S3-FIFO's queues, with a window in which repeated requests count for nothing."""

from __future__ import annotations

from engine.cache.base import Policy, Replay, Room


class Clock2QPlus(Policy):
    """A small FIFO with a correlation window of half its length, and a clock of one bit."""

    name = "clock2q+"
    title = "Clock2Q+"
    paper = (
        "Y. Zhai, B. D. Marthen, S. Balivada et al., Clock2Q+: a simple and efficient replacement "
        "algorithm for metadata cache in VMware vSAN, VLDB 2026 (arXiv:2511.21958)"
    )
    idea = "S3-FIFO's queues; requests right after a load do not count as a sign of heat"

    def start(self, room: Room, seed: int = 0) -> Replay:  # noqa: ARG002 - it draws nothing
        """An empty cache."""
        from engine.cache.threequeues import start_three_queues

        return start_three_queues(room, threshold=1, most=1, window=0.5)
