"""Starting a trained policy as a simulated cache, whichever environment it was trained in."""

from __future__ import annotations

from engine.cache.base import Replay, Room
from engine.training.policy import TrainedPolicy


def start(policy: TrainedPolicy, room: Room, seed: int = 0) -> Replay:
    """An empty cache that the policy rules; lifetime and features as its specification says."""
    if policy.spec.environment == "admission":
        from engine.training.admission_replay import AdmissionReplay

        return AdmissionReplay(policy, room)
    from engine.cache.hybrid import HybridReplay

    return HybridReplay(policy, room, seed)
