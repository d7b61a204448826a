"""The agent's work on one source: decide on predictions, judge decisions, watch the floor."""

from __future__ import annotations

import logging
import math
import time
from collections import Counter
from collections.abc import Sequence

import msgspec
from sqlalchemy import Engine

from db import tables, writes
from db.queries import system, traffic
from db.queries.run import Rows
from engine.agent.base import Traffic
from engine.agent.deciding import (
    HELD_WINDOW_S,
    KEYS_WINDOW_S,
    decide,
    held_shares,
    observe,
    traffic_of,
    usable_from,
)
from engine.agent.guard import Floor, news, stance
from engine.agent.judge import Judge
from engine.agent.keeper import Keeper
from engine.agent.telling import Telling
from engine.broker.base import Delivery
from engine.models.live import LiveModels
from engine.records import Prediction
from engine.settings import Settings
from engine.sources import active_source
from engine.tunables import Tuned

_log = logging.getLogger(__name__)

JUDGE_S = 1.0
SAVE_S = 5.0
FLOOR_S = 10.0


class Deciding:
    """The work of one source: decide, judge, and watch the floor."""

    def __init__(self, settings: Settings, store: Engine) -> None:
        self._store = store
        self.source = active_source(settings, store)
        self.keeper = Keeper(store, self.source.id, LiveModels(store, settings))
        self.judge = Judge(
            store, self.source.id, not self.source.is_own, settings.cache_capacity_bytes
        )
        self.floor = Floor()
        self.tuned = Tuned(system.tunables(store))
        self._events = 0
        self._writer = f"agent-{time.time_ns():x}"
        self._due: dict[str, float] = {}
        self._telling = Telling()
        self.decided = 0
        self.dropped = 0

    def take(self, deliveries: Sequence[Delivery], now: float) -> None:
        """Decide on predictions and commit the decisions; what cannot be used is dropped.

        Raises:
            SQLAlchemyError: the store is away; nothing was written, call again with the same.
        """
        self.tuned = Tuned(system.tunables(self._store))
        agent = self.keeper.agent(self.tuned, now)
        attitude = stance(self.tuned, self.source.is_own, self.floor)
        recent = traffic.endpoints(self._store, self.source.id, now - HELD_WINDOW_S, now, width=1)
        held = held_shares(recent, HELD_WINDOW_S)
        lately = self._traffic(recent, now) if agent.wants_traffic else {}
        rows = []
        dropped: Counter[str] = Counter()
        for delivery in deliveries:
            prediction = parse(delivery)
            if prediction is None:
                dropped["damaged"] += 1
                continue
            if prediction.source != self.source.id:
                dropped["of another source"] += 1
                continue
            begin = usable_from(prediction, now)
            if begin is None:
                dropped["too late"] += 1
                continue
            seen = observe(prediction, held, lately)
            rows.append(decide(agent, prediction, seen, self.tuned, attitude, now, begin))
        new = writes.insert(self._store, tables.decisions, rows)
        if new:
            _log.info("%s", self._telling.line(rows))
        self.decided += new
        self.dropped += dropped.total()
        if dropped:
            reasons = ", ".join(f"{count} {why}" for why, count in dropped.items())
            _log.info("%d predictions were dropped: %s.", dropped.total(), reasons)

    def _traffic(self, recent: Rows, now: float) -> dict[str, Traffic]:
        keys = traffic.keys_loaded(self._store, self.source.id, now - KEYS_WINDOW_S)
        return traffic_of(recent, keys, HELD_WINDOW_S)

    def turn(self, now: float) -> None:
        """Judge, save and compare, each on its own beat.

        Raises:
            SQLAlchemyError: the store is away; call again.
        """
        if self._is_due("judge", JUDGE_S):
            self.tuned = Tuned(system.tunables(self._store))
            agent = self.keeper.agent(self.tuned, now)
            self.judge.work(agent, self.keeper, self.tuned, now)
        if self._is_due("save", SAVE_S):
            self.keeper.save(self._store, now)
        if self._is_due("floor", FLOOR_S) and self.floor.update(
            *self.judge.savings(self.tuned, now), now
        ):
            self._tell(now)

    def _tell(self, now: float) -> None:
        self._events += 1
        level, message = news(self.floor, self.tuned, self.source.is_own)
        _log.log(logging.getLevelNamesMapping()[level.upper()], "%s", message)
        row = {
            "at": now,
            "writer": self._writer,
            "sequence": self._events,
            "service": "agent",
            "level": level,
            "kind": "floor",
            "message": message[:400],
        }
        writes.insert(self._store, tables.events, [row])

    def _is_due(self, what: str, every_s: float) -> bool:
        now = time.monotonic()
        if now < self._due.get(what, 0.0):
            return False
        self._due[what] = now + every_s
        return True


def parse(delivery: Delivery) -> Prediction | None:
    """Read a message; None, with a warning, for what is no prediction. JSON is read as well."""
    try:
        if delivery.payload[:1] == b"{":
            prediction = msgspec.json.decode(delivery.payload, type=Prediction)
        else:
            prediction = msgspec.msgpack.decode(delivery.payload, type=Prediction)
    except msgspec.DecodeError as error:
        _log.warning("The record %s is no prediction and was dropped: %s", delivery.id, error)
        return None
    figures = (
        prediction.interval_s,
        prediction.valid_from,
        prediction.valid_until,
        *prediction.demand,
        *prediction.load_time_ms,
    )
    if (
        not (prediction.demand and prediction.load_time_ms)
        or not all(map(math.isfinite, figures))
        or prediction.interval_s <= 0
        or prediction.valid_until <= prediction.valid_from
    ):
        _log.warning("The prediction %s holds no usable figures and was dropped.", delivery.id)
        return None
    return prediction
