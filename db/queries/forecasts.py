"""How forecasters were judged."""

from __future__ import annotations

from sqlalchemy import select

from db.queries.run import Readable, Rows, newest
from db.tables import forecast_scores as score


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
