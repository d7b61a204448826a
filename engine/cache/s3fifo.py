"""S3-FIFO: a tenth of the cache sorts out one-hit wonders, ghosts forgive its mistakes."""

from __future__ import annotations

from engine.cache.base import Policy, Replay, Room


class S3FIFO(Policy):
    """Three static FIFO queues; two requests in the small one lead to the main one."""

    name = "s3-fifo"
    title = "S3-FIFO"
    paper = (
        "J. Yang, Y. Zhang, Z. Qiu, Y. Yue, K. V. Rashmi, FIFO queues are all you need for cache "
        "eviction, SOSP 2023"
    )
    idea = "a small FIFO filters one-hit wonders, a main one reinserts, ghosts readmit"

    def start(self, room: Room, seed: int = 0) -> Replay:  # noqa: ARG002 - it draws nothing
        """An empty cache."""
        from engine.cache.threequeues import start_three_queues

        return start_three_queues(room, threshold=2, most=3, window=0.0)
