"""The prediction queue: a ring of 100 places in a process of its own."""

from __future__ import annotations

BROKERS: dict[str, str] = {
    "manager": "engine.broker.client:ManagerBroker",
    "redis": "engine.broker.redis:RedisBroker",
}
