"""Shadow policies, replayed over the same requests that the source recorded.

All caches are as large as the sample's, hold by default as long as it does and share one model of
the recording, so that they differ in their rulings alone.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from sqlalchemy import Engine, Table, select

from db.queries import system
from db.session import reading
from db.tables import decisions, predictions
from engine.agent import AGENTS
from engine.agent.base import Agent
from engine.agent.deciding import observe, ttl_of
from engine.cache.live import Ruling
from engine.collector.aggregate import Window
from engine.collector.costs import Costs, Draft
from engine.collector.sums import Seconds
from engine.records import Action, Prediction
from engine.registry import resolve
from engine.settings import Settings
from engine.shadow import Shadow
from engine.shadow_model import RecordedModel
from engine.sources import Source
from engine.tunables import Tuned

AGENT, HEURISTIC, ALWAYS, LRU = "agent", "heuristic", "always", "lru"
DEFAULT_TTL_S = 60.0
"""As the sample origin's cache holds what no decision rules on."""

_MOST = 10_000
_AHEAD_S = 900.0
"""How long before its end a decision was made at most: it waits one interval and lasts one."""
_OVERLAP_S = 60.0
"""Rows are committed out of order: so far behind the newest one read is looked again."""


class Shadows:
    """The four shadows of one source; rulings are read from the store as they are made."""

    names: Sequence[str] = (AGENT, HEURISTIC, ALWAYS, LRU)
    totals_only = frozenset({HEURISTIC, ALWAYS, LRU})

    def __init__(self, capacity_bytes: int, source: int, store: Engine) -> None:
        self._store = store
        self._source = source
        self._model = RecordedModel()
        self._shadows = {
            name: Shadow(name, capacity_bytes, DEFAULT_TTL_S, self._model) for name in self.names
        }
        self._rule: Agent = resolve(AGENTS, HEURISTIC, "agent")()
        self._known: dict[str, float] = {}
        self._read_to: dict[str, float] = {}
        self._ttl_long_s = 0.0
        self._begun: int | None = None

    def prepare(self, since: float) -> None:
        """Read tunables, and what was decided and predicted for the time from `since` on.

        A replay that begins anew needs what was in force then, however long ago it was decided.
        Kept apart from `feed`, so that an outage here feeds nothing by half.
        """
        tuned = Tuned(system.tunables(self._store))
        self._rule.tune(tuned)
        ttl_long_s = tuned.number("agent.ttl_long_s")
        if ttl_long_s != self._ttl_long_s:
            self._ttl_long_s = ttl_long_s
            self._shadows[ALWAYS].rule_all(Ruling(True, ttl_long_s, False, math.inf))
        made, seen = self._read(decisions, since), self._read(predictions, since)
        for row in made:
            if self._is_new(f"d{row['prediction_id']}", row["valid_until"]):
                ruling = _ruling(row["action"], row["ttl_seconds"], row["valid_until"])
                self._shadows[AGENT].schedule(row["valid_from"], {row["cache_name"]: ruling})
        for row in seen:
            if self._is_new(f"p{row['id']}", row["valid_until"]):
                action = self._rule.decide(observe(_prediction(row), {})).action
                ruling = _ruling(action, ttl_of(action, tuned), row["valid_until"])
                self._shadows[HEURISTIC].schedule(row["valid_from"], {row["cache_name"]: ruling})
        for table, rows in ((decisions, made), (predictions, seen)):
            if rows:
                self._read_to[table.name] = float(rows[-1]["at"])
        self._known = {key: until for key, until in self._known.items() if until > since}

    def feed(self, window: Window, costs: Costs, end: int) -> dict[str, Seconds]:
        """Replay settled requests up to second `end`; returns policy -> finished seconds."""
        draft = Draft(costs)
        for request in window.requests:
            self._model.observe(request)
            cost_ms = draft.latest(request.cache_key)
            for shadow in self._shadows.values():
                shadow.request(request, cost_ms)
            if not request.hit:
                draft.learn(request.cache_key, request.load_time_ms)
        if self._begun is None:
            first = window.requests[0].timestamp if window.requests else end
            self._begun = math.floor(first)
        drained: dict[str, Seconds] = {}
        for name, shadow in self._shadows.items():
            shadow.advance(float(end))
            # A shadow steps through the time before its first request too; nothing was asked then.
            drained[name] = {at: names for at, names in shadow.drain().items() if at >= self._begun}
        return drained

    def _read(self, table: Table, since: float) -> Sequence[Mapping[Any, Any]]:
        """Rows valid after `since`, the oldest first; those that were read before only once."""
        query = select(table).where(
            table.c.source == self._source,
            table.c.at >= self._read_to.get(table.name, since - _AHEAD_S) - _OVERLAP_S,
            table.c.valid_until > since,
        )
        with reading(self._store) as connection:
            return connection.execute(query.order_by(table.c.at).limit(_MOST)).mappings().all()

    def _is_new(self, key: str, until: float) -> bool:
        is_new = key not in self._known
        self._known[key] = until
        return is_new


def make_replays(settings: Settings, source: Source, store: Engine) -> Shadows:
    """The shadows of a source."""
    return Shadows(settings.cache_capacity_bytes, source.id, store)


def _prediction(row: Any) -> Prediction:  # noqa: ANN401 - a row of `predictions`
    # SQLAlchemy's column names are no plain strings, which msgspec insists on.
    columns = {str(name): value for name, value in row.items()}
    return msgspec.convert({**columns, **row["horizon"]}, Prediction)


def _ruling(action: str, ttl_seconds: float, until: float) -> Ruling:
    return Ruling(action != Action.DROP, ttl_seconds, action == Action.KEEP_REFRESH, until)
