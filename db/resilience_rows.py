"""Keeping what resilience tests found; only the newest runs."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, delete, select, update

from db.rows import Row, Target, insert, transaction
from db.tables import resilience_runs as run

KEPT = 200


def add_run(store: Target, row: Row) -> None:
    """Keep a run that begins; the oldest beyond KEPT go."""
    insert(store, run, [row])

    def thin(connection: Connection) -> None:
        ordered = select(run.c.id).order_by(run.c.began_at.desc(), run.c.id.desc())
        old = list(connection.execute(ordered.offset(KEPT).limit(1000)).scalars())
        if old:
            connection.execute(delete(run).where(run.c.id.in_(old)))

    transaction(store, thin)


def update_run(store: Target, id_: str, **columns: Any) -> None:  # noqa: ANN401
    """Set columns of a run."""

    def write(connection: Connection) -> None:
        connection.execute(update(run).where(run.c.id == id_).values(**columns))

    transaction(store, write)


def remove_run(store: Target, id_: str) -> None:
    """Forget a run."""
    transaction(store, lambda connection: connection.execute(delete(run).where(run.c.id == id_)))
