"""The curves of trainings."""

from __future__ import annotations

from sqlalchemy import select

from db.queries.run import Readable, Rows, rows
from db.tables import training_points as point


def points(store: Readable, run: str, limit: int = 5000) -> Rows:
    """The points of one training, in order of seed, algorithm and steps."""
    wanted = select(point).where(point.c.run == run)
    ordered = wanted.order_by(point.c.seed, point.c.algorithm, point.c.steps)
    return rows(store, ordered.limit(limit))
