"""The only writer of the store: every insert, update and delete of ours is a function here.

Each function takes the store, and then is one transaction of its own, or an open connection from
`db.session.writing`, so that several writes commit together.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, case, delete, or_, select, update

from db import statements, tables
from db.batch import BatchWriter
from db.model_rows import add_model, move_alias, remove_model, update_model
from db.retention import delete_before
from db.rows import Row, Target, insert, transaction, upsert
from db.spool import WriterStats

__all__ = [
    "BatchWriter",
    "Row",
    "Target",
    "WriterStats",
    "add_audit",
    "add_model",
    "create_job",
    "delete_before",
    "ensure_source",
    "holds_lease",
    "insert",
    "move_alias",
    "release_lease",
    "remove_model",
    "set_tunable",
    "take_lease",
    "update_job",
    "update_model",
    "update_source",
    "upsert",
]


def ensure_source(
    store: Target,
    name: str,
    kind: str,
    costs: str,
    mapping: Mapping[str, Any] | None = None,
) -> int:
    """The id of the source `name`, made if it is new; kind, costs and a given mapping are kept."""
    known = tables.sources
    values = {"kind": kind, "costs": costs} | ({} if mapping is None else {"mapping": mapping})

    def write(connection: Connection) -> int:
        found = select(known).where(known.c.name == name)
        row = connection.execute(found).mappings().one_or_none()
        if row is None:
            new = {"name": name, "mapping": {}, "created_at": time.time()} | values
            connection.execute(statements.insert_or_ignore(connection.dialect.name, known), [new])
            row = connection.execute(found).mappings().one()
        if any(row[column] != value for column, value in values.items()):
            connection.execute(update(known).where(known.c.id == row["id"]).values(**values))
        return int(row["id"])

    return transaction(store, write)


def update_source(store: Target, source: int, **columns: Any) -> None:  # noqa: ANN401
    """Set columns of a source, such as `cursor` and `watermark`."""
    known = tables.sources

    def write(connection: Connection) -> None:
        connection.execute(update(known).where(known.c.id == source).values(**columns))

    transaction(store, write)


def take_lease(
    store: Target, name: str, owner: str, seconds: float, now: float
) -> tuple[bool, str, float]:
    """Take or prolong the lease `name` until `now + seconds`, unless another holds it.

    Returns:
        Whether `owner` holds it now, who holds it, and since when (epoch seconds).
    """
    lease = tables.leases

    def write(connection: Connection) -> tuple[bool, str, float]:
        new = {"name": name, "owner": owner, "since": now, "until": now + seconds}
        connection.execute(statements.insert_or_ignore(connection.dialect.name, lease), [new])
        # MySQL sees the new owner in later assignments: `since` has to come first.
        connection.execute(
            update(lease)
            .where(lease.c.name == name, or_(lease.c.owner == owner, lease.c.until <= now))
            .ordered_values(
                (lease.c.since, case((lease.c.owner == owner, lease.c.since), else_=now)),
                (lease.c.owner, owner),
                (lease.c.until, now + seconds),
            )
        )
        held = select(lease.c.owner, lease.c.since).where(lease.c.name == name)
        holder, since = connection.execute(held).one()
        return holder == owner, str(holder), float(since)

    return transaction(store, write)


def holds_lease(connection: Connection, name: str, owner: str) -> bool:
    """Whether `owner` holds the lease `name`, which nobody can take until the transaction ends."""
    lease = tables.leases
    held = select(lease.c.owner).where(lease.c.name == name).with_for_update()
    return connection.execute(held).scalar_one_or_none() == owner


def release_lease(store: Target, name: str, owner: str) -> None:
    """Give the lease `name` back if `owner` holds it."""
    lease = tables.leases

    def write(connection: Connection) -> None:
        connection.execute(delete(lease).where(lease.c.name == name, lease.c.owner == owner))

    transaction(store, write)


def set_tunable(store: Target, name: str, value: object, who: str, at: float | None = None) -> None:
    """Keep a tunable's new value, who set it and when (default: now)."""
    row = {"name": name, "value": value, "who": who, "at": time.time() if at is None else at}
    upsert(store, tables.tunables, [row])


def add_audit(
    store: Target,
    who: str,
    action: str,
    params: Mapping[str, Any],
    result: str,
    at: float | None = None,
) -> None:
    """Note that somebody did something, and what came of it."""
    row = {
        "at": time.time() if at is None else at,
        "who": who[:120],
        "action": action[:60],
        "params": dict(params),
        "result": result[:400],
    }

    def write(connection: Connection) -> None:
        connection.execute(tables.audit.insert(), [row])

    transaction(store, write)


def create_job(
    store: Target, kind: str, params: Mapping[str, Any], who: str, job_id: str | None = None
) -> str:
    """Keep a new job as queued; returns its id."""
    row = {
        "id": job_id or uuid.uuid4().hex,
        "kind": kind,
        "state": "queued",
        "params": dict(params),
        "progress": 0.0,
        "message": "",
        "who": who[:120],
        "created_at": time.time(),
    }
    insert(store, tables.jobs, [row])
    return str(row["id"])


def update_job(store: Target, job_id: str, **columns: Any) -> bool:  # noqa: ANN401
    """Set columns of a job; False if there is no such job."""
    job = tables.jobs
    if "message" in columns:
        columns["message"] = str(columns["message"])[:400]

    def write(connection: Connection) -> bool:
        there = select(job.c.id).where(job.c.id == job_id)
        if connection.execute(there).one_or_none() is None:
            return False
        connection.execute(update(job).where(job.c.id == job_id).values(**columns))
        return True

    return transaction(store, write)
