"""A published decision, as an agent in control would write it."""

from __future__ import annotations

import secrets
import time

from sqlalchemy import Engine

from db import tables
from db.writes import ensure_source, insert
from engine.records import Action
from engine.sources import OWN


def decide(store: Engine, name: str, action: Action, ttl_s: float = 60.0) -> None:
    """Publish one decision for an endpoint of the own source, in force for a minute."""
    now = time.time()
    row = {
        "prediction_id": secrets.token_hex(8),
        "at": now,
        "source": ensure_source(store, OWN, "table", "measured"),
        "agent": "qlearning",
        "cache_name": name,
        "action": action.value,
        "ttl_seconds": ttl_s,
        "refresh_ahead": action is Action.KEEP_REFRESH,
        "valid_from": now - 0.5,
        "valid_until": now + 60.0,
        "published": True,
        "state": "s",
        "q_values": [0, 0, 0, 0],
        "explored": False,
        "exploration": 0.1,
        "reason": "a test",
    }
    assert insert(store, tables.decisions, [row]) == 1
