"""A look at the prediction queue."""

from __future__ import annotations

from typing import Any

import msgspec

from engine import remote
from engine.actions.store import given
from engine.broker.base import CAPACITY
from engine.settings import Settings


def queue_status(settings: Settings | None = None) -> dict[str, Any]:
    """The live queue's totals, capacity and newest records, and how far delays may be off.

    No other queue's: to look at one that is not there would make it.

    Raises:
        BrokerError: the queue cannot be reached.
        ControlError: the engine on another machine does not answer.
    """
    known = given(settings)
    if known.engine_url:
        told: dict[str, Any] = remote.get(known, "queue")
        return told
    from engine.broker.client import connect
    from engine.broker.place import LIVE

    broker = connect(known, name=LIVE, client="status")
    try:
        error = broker.clock_error_ms()
        counters = msgspec.structs.asdict(broker.counters())
        newest = [
            {
                "id": record.id,
                "age_ms": record.age_ms,
                "leased_by": record.leased_by,
                "size_bytes": len(record.payload),
            }
            for record in broker.peek(10)
        ]
    finally:
        broker.close()
    return {
        "queue": LIVE,
        "capacity": CAPACITY,
        "clock_error_ms": error,
        **counters,
        "newest": newest,
    }
