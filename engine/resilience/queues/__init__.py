"""The queues that a private pipeline can have: how each is served, reached and harmed."""

from __future__ import annotations

from engine.resilience.queues.base import PrivateQueue

QUEUES: dict[str, str] = {
    "manager": "engine.resilience.queues.manager:ManagerQueue",
    "redis": "engine.resilience.queues.redis:RedisQueue",
}
"""Queue backend -> the class; the names are those of `engine.broker.BROKERS`."""

__all__ = ["QUEUES", "PrivateQueue"]
