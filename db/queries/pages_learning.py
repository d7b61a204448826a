"""What the Forecaster and Agent pages read; the same rules as `db.queries.pages`."""

from __future__ import annotations

import pandas as pd
from sqlalchemy import Engine, func, select

from db.queries.pages import read_frame
from db.session import reading
from db.tables import agent_checkpoints, decisions, forecast_scores, predictions, rewards


def predictions_frame(store: Engine, source: int, cache_name: str, since: float) -> pd.DataFrame:
    """Forecasts of one endpoint's next interval, oldest first."""
    table = predictions
    names = ("id", "at", "interval_s", "valid_from", "valid_until", "demand", "demand_low")
    more = ("demand_high", "load_time_ms", "horizon", "forecaster")
    return read_frame(
        store,
        select(*[table.c[name] for name in (*names, *more)])
        .where(table.c.source == source, table.c.cache_name == cache_name)
        .where(table.c.valid_from >= since)
        .order_by(table.c.valid_from)
        .limit(4_000),
    )


def round_frame(store: Engine, source: int) -> pd.DataFrame:
    """The newest predictions over all endpoints, newest first."""
    table = predictions
    names = ("at", "cache_name", "interval_s", "demand", "demand_low", "demand_high")
    return read_frame(
        store,
        select(*[table.c[name] for name in (*names, "load_time_ms", "forecaster")])
        .where(table.c.source == source)
        .order_by(table.c.at.desc())
        .limit(100),
    )


def scores_frame(store: Engine, source: int) -> pd.DataFrame:
    """The newest judgements of every forecaster, newest first."""
    table = forecast_scores
    return read_frame(
        store,
        select(table).where(table.c.source == source).order_by(table.c.at.desc()).limit(1_000),
    )


def decisions_frame(store: Engine, source: int, since: float, limit: int = 4_000) -> pd.DataFrame:
    """Decisions, newest first."""
    table = decisions
    names = ("prediction_id", "at", "agent", "cache_name", "action", "ttl_seconds", "valid_from")
    more = ("valid_until", "published", "state", "q_values", "explored", "exploration", "reason")
    return read_frame(
        store,
        select(*[table.c[name] for name in (*names, *more)])
        .where(table.c.source == source, table.c.at >= since)
        .order_by(table.c.at.desc())
        .limit(limit),
    )


def rewards_frame(store: Engine, source: int, since: float, limit: int = 8_000) -> pd.DataFrame:
    """Rewards of decisions, newest first."""
    table = rewards
    return read_frame(
        store,
        select(table)
        .where(table.c.source == source, table.c.at >= since)
        .order_by(table.c.at.desc())
        .limit(limit),
    )


def checkpoints_frame(store: Engine, source: int) -> pd.DataFrame:
    """What each agent of a source has learned, newest first."""
    table = agent_checkpoints
    return read_frame(
        store,
        select(table).where(table.c.source == source).order_by(table.c.at.desc()).limit(10),
    )


def last_decision_at(store: Engine, source: int) -> float | None:
    """When the newest decision was made; None before the first."""
    with reading(store) as connection:
        found = connection.execute(
            select(func.max(decisions.c.at)).where(decisions.c.source == source)
        ).scalar()
        return None if found is None else float(found)
