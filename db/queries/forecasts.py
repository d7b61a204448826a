"""What was forecast, and how forecasters were judged."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Select, select

from db.queries.run import LIMIT, Readable, Rows, newest, rows
from db.tables import forecast_scores as score
from db.tables import predictions as prediction


def predictions(
    store: Readable,
    source: int,
    since: float,
    cache_name: str | None = None,
    limit: int = LIMIT,
) -> Rows:
    """Predictions made since epoch second `since`, oldest first; of one endpoint: valid since."""
    return newest(store, _predictions(source, since, cache_name, limit))


def latest_round(store: Readable, source: int, limit: int = 200) -> Rows:
    """The predictions of the newest forecast round: those made at the newest `at`."""
    last = (
        select(prediction.c.at)
        .where(prediction.c.source == source)
        .order_by(prediction.c.at.desc())
        .limit(1)
        .scalar_subquery()
    )
    wanted = select(prediction).where(prediction.c.source == source, prediction.c.at == last)
    return rows(store, wanted.limit(limit))


def scores(
    store: Readable,
    source: int,
    since: float = 0.0,
    cache_name: str | None = None,
    limit: int = 1000,
) -> Rows:
    """Judgements of all forecasters since epoch second `since`, oldest first; "*": the means."""
    wanted = select(score).where(score.c.source == source, score.c.at >= since)
    if cache_name is not None:
        wanted = wanted.where(score.c.cache_name == cache_name)
    return newest(store, wanted.order_by(score.c.at.desc()).limit(limit))


def _predictions(source: int, since: float, cache_name: str | None, limit: int) -> Select[Any]:
    wanted = select(prediction).where(prediction.c.source == source)
    if cache_name is None:
        by = prediction.c.at
    else:
        by = prediction.c.valid_from
        wanted = wanted.where(prediction.c.cache_name == cache_name)
    return wanted.where(by >= since).order_by(by.desc()).limit(limit)
