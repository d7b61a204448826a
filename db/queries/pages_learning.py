"""What the Forecaster and Agent pages read; the same rules as `db.queries.pages`."""

from __future__ import annotations

import pandas as pd
from sqlalchemy import Engine, case, func, select

from db.queries.pages import MAX_ROWS, read_frame
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


def decisions_frame(store: Engine, source: int, since: float, limit: int = 200) -> pd.DataFrame:
    """The newest decisions, newest first; what a whole window holds is summed up by others."""
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


def rounds_frame(store: Engine, source: int, since: float) -> pd.DataFrame:
    """Decisions summed per interval and action: valid_from, action, count, explored, exploration.

    `explored` counts the random ones; `exploration` is the chance of one, from 0 to 1.
    """
    table = decisions
    random = func.sum(case((table.c.explored.is_(True), 1), else_=0))
    return read_frame(
        store,
        select(
            table.c.valid_from,
            table.c.action,
            func.count().label("count"),
            random.label("explored"),
            func.max(table.c.exploration).label("exploration"),
        )
        .where(table.c.source == source, table.c.at >= since)
        .group_by(table.c.valid_from, table.c.action)
        .order_by(table.c.valid_from)
        .limit(MAX_ROWS),
    )


def visits_frame(store: Engine, source: int, since: float) -> pd.DataFrame:
    """How many decisions were made in each state: state, count; most visited first."""
    table = decisions
    count = func.count().label("count")
    return read_frame(
        store,
        select(table.c.state, count)
        .where(table.c.source == source, table.c.at >= since)
        .group_by(table.c.state)
        .order_by(count.desc(), table.c.state)
        .limit(1_000),
    )


def rewards_frame(store: Engine, source: int, since: float) -> pd.DataFrame:
    """Rewards summed per interval, oldest first: valid_from, reward_ms, judged, without.

    `reward_ms` is the sum over the `judged` decisions, null where there is none; `without` counts
    those whose reward could not be computed.
    """
    table = rewards
    judged = func.count(table.c.reward_ms)
    return read_frame(
        store,
        select(
            table.c.valid_from,
            func.sum(table.c.reward_ms).label("reward_ms"),
            judged.label("judged"),
            (func.count() - judged).label("without"),
        )
        .where(table.c.source == source, table.c.at >= since)
        .group_by(table.c.valid_from)
        .order_by(table.c.valid_from)
        .limit(MAX_ROWS),
    )


def checkpoints_frame(store: Engine, source: int) -> pd.DataFrame:
    """What each agent of a source has learned, newest first."""
    table = agent_checkpoints
    return read_frame(
        store,
        select(table).where(table.c.source == source).order_by(table.c.at.desc()).limit(10),
    )
