"""Shadow policies, replayed over the same requests that the source recorded.

All caches are as large as the sample's, hold by default as long as it does and share one model of
the recording, so that they differ in their rulings alone. Where a trained model goes by the alias
that `agent.model` names, its decisions are replayed beside the others, whichever agent is in use.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from sqlalchemy import Engine, Table, select

from db.queries import system, traffic
from db.session import reading
from db.tables import decisions, predictions
from engine.agent import AGENTS
from engine.agent.base import Agent, Models, Traffic
from engine.agent.deciding import HELD_WINDOW_S, KEYS_WINDOW_S, observe, traffic_of, ttl_of
from engine.cache.live import Ruling
from engine.collector.aggregate import Window
from engine.collector.costs import Costs, Draft
from engine.collector.sums import Seconds
from engine.models.live import LiveModels
from engine.records import Action, Prediction
from engine.registry import resolve
from engine.settings import Settings
from engine.shadow import Shadow
from engine.shadow_model import RecordedModel
from engine.sources import Source
from engine.tunables import Tuned

AGENT, HEURISTIC, ALWAYS, LRU = "agent", "heuristic", "always", "lru"
MODEL = "model"
"""The shadow of a trained model; it has rollups only while there is one."""
DEFAULT_TTL_S = 60.0
"""As the sample origin's cache holds what no decision rules on."""

_MOST = 10_000
_AHEAD_S = 900.0
"""How long before its end a decision was made at most: it waits one interval and lasts one."""
_OVERLAP_S = 60.0
"""Rows are committed out of order: so far behind the newest one read is looked again."""


class Shadows:
    """The shadows of one source; rulings are read from the store as they are made."""

    names: Sequence[str] = (AGENT, HEURISTIC, ALWAYS, LRU, MODEL)
    totals_only = frozenset({HEURISTIC, ALWAYS, LRU, MODEL})

    def __init__(
        self, capacity_bytes: int, source: int, store: Engine, models: Models | None = None
    ) -> None:
        self._store = store
        self._source = source
        self._model = RecordedModel()
        self._capacity_bytes = capacity_bytes
        self._shadows = {name: self._shadow(name) for name in self.names if name != MODEL}
        self._models = models
        self._trained: Agent | None = None
        self._rule: Agent = resolve(AGENTS, HEURISTIC, "agent")()
        self._known: dict[str, float] = {}
        self._read_to: dict[str, float] = {}
        self._ttl_long_s = 0.0
        self._begun: dict[str, int] = {}

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
        trained, lately = self._follow(tuned), self._lately(seen)
        for row in made:
            if self._is_new(f"d{row['prediction_id']}", row["valid_until"]):
                ruling = _ruling(row["action"], row["ttl_seconds"], row["valid_until"])
                self._shadows[AGENT].schedule(row["valid_from"], {row["cache_name"]: ruling})
        for row in seen:
            if self._is_new(f"p{row['id']}", row["valid_until"]):
                action = self._rule.decide(observe(_prediction(row), {})).action
                ruling = _ruling(action, ttl_of(action, tuned), row["valid_until"])
                self._shadows[HEURISTIC].schedule(row["valid_from"], {row["cache_name"]: ruling})
                if trained is not None:
                    action = trained.decide(observe(_prediction(row), {}, lately)).action
                    ruling = _ruling(action, ttl_of(action, tuned), row["valid_until"])
                    self._shadows[MODEL].schedule(row["valid_from"], {row["cache_name"]: ruling})
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
        first = math.floor(window.requests[0].timestamp if window.requests else end)
        drained: dict[str, Seconds] = {}
        for name, shadow in self._shadows.items():
            shadow.advance(float(end))
            # A shadow steps through the time before its first request too; nothing was asked then.
            begun = self._begun.setdefault(name, first)
            drained[name] = {at: names for at, names in shadow.drain().items() if at >= begun}
        return drained

    def _shadow(self, name: str) -> Shadow:
        return Shadow(name, self._capacity_bytes, DEFAULT_TTL_S, self._model)

    def _follow(self, tuned: Tuned) -> Agent | None:
        """The agent that follows a trained model, and its shadow while there is such a model."""
        if self._models is None or self._models.get(tuned.text("agent.model")) is None:
            self._trained = None
            self._shadows.pop(MODEL, None)
            self._begun.pop(MODEL, None)
            return None
        if self._trained is None:
            self._trained = resolve(AGENTS, "policy", "agent")()
            self._trained.attach(self._models)
            self._shadows[MODEL] = self._shadow(MODEL)
        self._trained.tune(tuned)
        return self._trained

    def _lately(self, seen: Sequence[Mapping[Any, Any]]) -> dict[str, Traffic]:
        """What requests were like before the newest prediction, if a model wants to know."""
        if self._trained is None or not any(f"p{row['id']}" not in self._known for row in seen):
            return {}
        now = float(seen[-1]["at"])
        rows = traffic.endpoints(self._store, self._source, now - HELD_WINDOW_S, now, width=1)
        keys = traffic.keys_loaded(self._store, self._source, now - KEYS_WINDOW_S)
        return traffic_of(rows, keys, HELD_WINDOW_S)

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
    models = LiveModels(store, settings)
    return Shadows(settings.cache_capacity_bytes, source.id, store, models)


def _prediction(row: Any) -> Prediction:  # noqa: ANN401 - a row of `predictions`
    # SQLAlchemy's column names are no plain strings, which msgspec insists on.
    columns = {str(name): value for name, value in row.items()}
    return msgspec.convert({**columns, **row["horizon"]}, Prediction)


def _ruling(action: str, ttl_seconds: float, until: float) -> Ruling:
    return Ruling(action != Action.DROP, ttl_seconds, action == Action.KEEP_REFRESH, until)
