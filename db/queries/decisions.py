"""What the agent decided, and what came of it."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Select, select

from db.queries.run import LIMIT, Readable, Rows, first, newest, rows
from db.tables import agent_checkpoints as kept
from db.tables import decisions as decision
from db.tables import rewards as reward


def published(
    store: Readable, source: int, now: float, ahead_s: float = 0.0, limit: int = 500
) -> Rows:
    """The decisions a cache obeys at `now` (epoch seconds), the earliest begin first.

    With `ahead_s` also those that begin within so many seconds.
    """
    wanted = select(decision).where(
        decision.c.source == source,
        decision.c.valid_until > now,
        decision.c.valid_from <= now + ahead_s,
        decision.c.published.is_(True),
    )
    return rows(store, wanted.order_by(decision.c.valid_from, decision.c.id).limit(limit))


def latest(store: Readable, source: int, limit: int = 100) -> Rows:
    """The newest decisions, newest first."""
    return rows(store, _latest(source, limit))


def without_reward(
    store: Readable, source: int, since: float, until: float, limit: int = 1000
) -> Rows:
    """Decisions whose time ended in [since, until) and that have no reward yet, oldest first."""
    judged = select(reward.c.prediction_id).where(
        reward.c.prediction_id == decision.c.prediction_id
    )
    wanted = select(decision).where(
        decision.c.source == source,
        decision.c.valid_until >= since,
        decision.c.valid_until < until,
        ~judged.exists(),
    )
    return rows(store, wanted.order_by(decision.c.valid_until, decision.c.id).limit(limit))


def spans(store: Readable, source: int, since: float, until: float, limit: int = LIMIT) -> Rows:
    """Endpoint, state and span of the decisions whose time ends in [since, until], by begin."""
    names = ("prediction_id", "cache_name", "state", "valid_from", "valid_until")
    wanted = select(*(decision.c[name] for name in names)).where(
        decision.c.source == source,
        decision.c.valid_until >= since,
        decision.c.valid_until <= until,
    )
    return rows(store, wanted.order_by(decision.c.valid_from, decision.c.id).limit(limit))


def rewards(store: Readable, source: int, since: float, until: float, limit: int = LIMIT) -> Rows:
    """Rewards worked out in [since, until), oldest first."""
    return newest(store, _rewards(source, since, until, limit))


def checkpoint(store: Readable, source: int, agent: str) -> dict[str, Any] | None:
    """The agent's last checkpoint, or None."""
    return first(store, select(kept).where(kept.c.source == source, kept.c.agent == agent))


def _latest(source: int, limit: int) -> Select[Any]:
    wanted = select(decision).where(decision.c.source == source)
    return wanted.order_by(decision.c.at.desc()).limit(limit)


def _rewards(source: int, since: float, until: float, limit: int) -> Select[Any]:
    wanted = select(reward).where(
        reward.c.source == source, reward.c.at >= since, reward.c.at < until
    )
    return wanted.order_by(reward.c.at.desc()).limit(limit)
