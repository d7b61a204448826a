"""Judging in the store: ripe decisions in, rewards and the checkpoint out, in one transaction."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from sqlalchemy import Engine

from db import tables, writes
from db.queries import decisions, sources, traffic
from db.session import writing
from engine.agent import judging
from engine.agent.base import Agent
from engine.agent.guard import WINDOW_S, Saving, saving
from engine.agent.keeper import Keeper
from engine.agent.rewards import byte_price
from engine.tunables import Tuned

BATCH_S = 120.0
"""Seconds of decisions that are judged in one go."""

LOOK_BACK_S = 60.0
"""How far before the oldest open decision the next look begins, for one committed late.

Looking further costs a comparison with the rewards for every decision in between, each second.
"""

PRICE_S = 300.0


class Judge:
    """Computes each reward once and teaches the agent with it."""

    def __init__(self, store: Engine, source: int, proof: bool, capacity_bytes: int) -> None:
        self._store = store
        self._source = source
        self._proof = proof
        self._capacity_bytes = capacity_bytes
        self._since = 0.0
        self.judged = 0

    def work(self, agent: Agent, keeper: Keeper, tuned: Tuned, now: float) -> bool:
        """Judge what is ripe; True when there is more to do at once.

        Raises:
            SQLAlchemyError: the store is away; nothing was judged or learned, call again.
        """
        row = sources.source(self._store, self._source)
        watermark = float(row["watermark"] or 0.0) if row else 0.0
        settled = float(((row or {}).get("cursor") or {}).get("settled") or 0.0)
        until = watermark - judging.SETTLE_S + 0.001
        open_ = decisions.without_reward(self._store, self._source, self._since, until)
        if not open_:
            self._since = max(self._since, until - LOOK_BACK_S)
            return False
        batch = [d for d in open_ if d["valid_until"] <= open_[0]["valid_until"] + BATCH_S]
        judged = self._judge(batch, watermark, settled, agent, tuned, now)
        if judged:
            self._commit(judged, agent, keeper, now)
        done = {row["prediction_id"] for row, _ in judged}
        oldest = next((d for d in open_ if d["prediction_id"] not in done), open_[-1])
        self._since = max(self._since, oldest["valid_until"] - LOOK_BACK_S)
        return bool(judged) and len(open_) > len(batch)

    def savings(self, tuned: Tuned, now: float) -> tuple[Saving, Saving]:
        """What the shadows of the agent and of plain LRU saved lately."""
        weight = tuned.number("agent.stale_weight_ms")
        agent, lru = (
            {row["at"]: row for row in self._totals(policy, now, WINDOW_S)}
            for policy in ("agent", "lru")
        )
        both = agent.keys() & lru.keys()
        return (
            saving([agent[at] for at in both], 10, weight),
            saving([lru[at] for at in both], 10, weight),
        )

    def _judge(
        self,
        batch: Sequence[dict[str, Any]],
        watermark: float,
        settled: float,
        agent: Agent,
        tuned: Tuned,
        now: float,
    ) -> list[tuple[dict[str, Any], Any]]:
        spans = self._spans(batch)
        following = _following(batch, spans)
        seen = self._seen(batch, watermark, settled)
        price = self._price(now)
        # Also those judged before: what they earned is theirs, not that of the rest.
        names: dict[float, set[str]] = defaultdict(set)
        for span in spans:
            names[span["valid_until"]].add(span["cache_name"])
        judged = []
        for decision in batch:
            after = following.get(decision["prediction_id"])
            if not judging.is_ripe(decision, after["valid_from"] if after else None, seen):
                continue
            others = sorted(names[decision["valid_until"]])
            interval = judging.interval_of(decision, others, seen, self._proof)
            weight = tuned.number("agent.stale_weight_ms")
            row, earned = judging.judge(decision, interval, weight, price, now)
            learned = earned is not None and decision["agent"] == agent.name
            judged.append(
                (row, judging.lesson(decision, after, earned) if learned and earned else None)
            )
        return judged

    def _commit(
        self,
        judged: list[tuple[dict[str, Any], Any]],
        agent: Agent,
        keeper: Keeper,
        now: float,
    ) -> None:
        before = agent.save()
        try:
            for _, lesson in judged:
                if lesson is not None:
                    agent.learn(lesson)
            with writing(self._store) as connection:
                writes.insert(connection, tables.rewards, [row for row, _ in judged])
                keeper.save(connection, now)
        except BaseException:
            agent.restore(before)  # the rewards are not stored, so they will be learned again
            raise
        self.judged += len(judged)

    def _spans(self, batch: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
        """The decisions of the batch's intervals, judged or not, and those that may follow them."""
        longest = max(d["valid_until"] - d["valid_from"] for d in batch)
        return decisions.spans(
            self._store,
            self._source,
            min(d["valid_until"] for d in batch),
            max(d["valid_until"] for d in batch) + (judging.LONGEST_GAP + 1) * longest,
        )

    def _seen(
        self, batch: Sequence[dict[str, Any]], watermark: float, settled: float
    ) -> judging.Seen:
        start = min(d["valid_from"] for d in batch) - 1
        end = max(d["valid_until"] for d in batch)
        rows = {
            (policy, str(row["cache_name"]), int(row["at"])): row
            for policy in ("recorded", "agent")
            for row in traffic.series(self._store, self._source, start, 1, policy, end)
        }
        return judging.Seen(rows, watermark, settled)

    def _price(self, now: float) -> float:
        """Average saving per byte-second, recorded; where bytes held are unknown, of plain LRU."""
        for policy in ("recorded", "lru"):
            rows = self._totals(policy, now, PRICE_S)
            held = sum(row["byte_seconds"] for row in rows)
            if held > 0:
                room = self._capacity_bytes * 10.0 * len(rows)
                return byte_price(sum(row["saved_ms"] for row in rows), held, room)
        return 0.0

    def _totals(self, policy: str, now: float, seconds: float) -> list[dict[str, Any]]:
        return traffic.totals(self._store, self._source, now - seconds, now, policy, 10)


def _following(
    batch: Sequence[dict[str, Any]], spans: Sequence[dict[str, Any]]
) -> dict[str, dict[str, Any]]:
    """Prediction id -> the next decision on the same endpoint."""
    by_name: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for span in spans:
        by_name[span["cache_name"]].append(span)
    found = {}
    for decision in batch:
        later = (
            span
            for span in by_name[decision["cache_name"]]
            if span["valid_from"] >= decision["valid_until"]
        )
        if (first := next(later, None)) is not None:
            found[decision["prediction_id"]] = first
    return found
