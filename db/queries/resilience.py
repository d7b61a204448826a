"""Runs of resilience tests; every query is bounded."""

from __future__ import annotations

from sqlalchemy import select

from db.queries.run import Readable, Rows, first, rows
from db.tables import resilience_runs as run

_LIGHT = [column for column in run.c if column.name not in {"timeline", "findings"}]


def runs(store: Readable, limit: int = 100) -> Rows:
    """The newest runs without timeline and findings, newest first."""
    wanted = select(*_LIGHT).order_by(run.c.began_at.desc(), run.c.id.desc())
    return rows(store, wanted.limit(limit))


def one(store: Readable, id_: str) -> dict[str, object] | None:
    """One run whole; None if there is none."""
    return first(store, select(run).where(run.c.id == id_))
