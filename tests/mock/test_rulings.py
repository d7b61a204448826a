"""Published decisions in force on a live cache, without any server."""

from __future__ import annotations

import time

from sqlalchemy import Engine

from db import tables
from db.writes import ensure_source, insert
from engine.cache.live import LiveCache
from engine.cache.rulings import LRU, Rulings
from engine.clock import SystemClock
from engine.records import OTHER, Action


class Obeying:
    """A cache under the decisions of a store."""

    def __init__(self, store: Engine) -> None:
        self.store = store
        self.source = ensure_source(store, "sample", "sample", "measured")
        self.cache = LiveCache(10_000, 60.0, SystemClock())
        self.rulings = Rulings(store, self.cache, self.source)

    def decide(self, name: str, action: Action, begin: float = -1, end: float = 60) -> None:
        now = time.time()
        row = {
            "prediction_id": f"{name}-{now}-{begin}",
            "at": now,
            "source": self.source,
            "agent": "qlearning",
            "cache_name": name,
            "action": action.value,
            "ttl_seconds": 9.0,
            "refresh_ahead": False,
            "valid_from": now + begin,
            "valid_until": now + end,
            "published": True,
            "state": "s",
            "q_values": [0, 0, 0, 0],
            "explored": False,
            "exploration": 0.1,
            "reason": "a test",
        }
        assert insert(self.store, tables.decisions, [row]) == 1

    def obey(self) -> int:
        self.rulings.poll()
        return self.rulings.apply()

    def keeps(self, name: str) -> bool:
        self.rulings.meet(name)
        return self.cache.put(f"{name}?", name, b"x", 1, 5.0)


def test_the_ruling_on_the_rest_holds_for_every_endpoint_without_its_own(
    sqlite_store: Engine,
) -> None:
    obeying = Obeying(sqlite_store)
    assert obeying.keeps("/seen")
    obeying.decide(OTHER, Action.DROP)
    obeying.decide("/own", Action.KEEP_LONG)
    assert obeying.obey() == 2
    assert obeying.cache.item_count == 0, "what the rest may not keep is dropped at once"
    assert not obeying.keeps("/seen")
    assert not obeying.keeps("/new")
    assert obeying.keeps("/own")
    assert obeying.rulings.on("/new") == ("qlearning", "drop")
    assert obeying.rulings.on("/own") == ("qlearning", "keep_long")


def test_of_two_decisions_in_force_the_later_one_is_obeyed_and_put_in_force_once(
    sqlite_store: Engine,
) -> None:
    obeying = Obeying(sqlite_store)
    obeying.decide("/a", Action.KEEP_LONG, -1, 40)
    obeying.decide("/a", Action.DROP, -5, 60)
    assert [obeying.obey() for _ in range(3)] == [1, 0, 0]
    assert obeying.keeps("/a")


def test_a_decision_is_read_before_it_begins_and_obeyed_from_then_on(sqlite_store: Engine) -> None:
    obeying = Obeying(sqlite_store)
    obeying.decide("/a", Action.DROP, 0.3)
    assert obeying.obey() == 0
    assert obeying.keeps("/a")
    assert obeying.rulings.on("/a") == (LRU, None)
    until = time.monotonic() + 5
    while not obeying.rulings.apply() and time.monotonic() < until:
        time.sleep(0.02)
    assert not obeying.keeps("/a")
