"""The system's own state: tunables, leases, jobs, audit and events."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from sqlalchemy import select

from db import tables
from db.queries.run import Readable, Rows, first, newest, rows


def tunables(store: Readable) -> dict[str, object]:
    """Name -> value of every tunable that was ever set; the others stand at their default."""
    return {row["name"]: row["value"] for row in tunable_rows(store)}


def tunable_rows(store: Readable, limit: int = 1000) -> Rows:
    """Every tunable that was set, with who set it and when."""
    return rows(store, select(tables.tunables).order_by(tables.tunables.c.name).limit(limit))


def leases(store: Readable, limit: int = 100) -> Rows:
    """Who holds what, and until when (epoch seconds)."""
    return rows(store, select(tables.leases).order_by(tables.leases.c.name).limit(limit))


def lease(store: Readable, name: str) -> dict[str, Any] | None:
    """One lease, or None if nobody ever took it."""
    return first(store, select(tables.leases).where(tables.leases.c.name == name))


def jobs(store: Readable, limit: int = 50) -> Rows:
    """The newest jobs, newest first."""
    job = tables.jobs
    return rows(store, select(job).order_by(job.c.created_at.desc()).limit(limit))


def job(store: Readable, job_id: str) -> dict[str, Any] | None:
    """One job by its id, or None."""
    return first(store, select(tables.jobs).where(tables.jobs.c.id == job_id))


def unfinished_jobs(store: Readable, owner: str, limit: int = 1000) -> Rows:
    """The jobs of one engine that are queued or running, oldest first."""
    job = tables.jobs
    wanted = select(job).where(job.c.owner == owner, job.c.state.in_(("queued", "running")))
    return rows(store, wanted.order_by(job.c.created_at).limit(limit))


def interrupted_jobs(store: Readable, owner: str, kinds: Collection[str], limit: int = 100) -> Rows:
    """The jobs of one engine that its end interrupted, of these kinds, oldest first."""
    job = tables.jobs
    wanted = select(job).where(
        job.c.owner == owner, job.c.state == "interrupted", job.c.kind.in_(kinds)
    )
    return rows(store, wanted.order_by(job.c.created_at).limit(limit))


def audit(store: Readable, limit: int = 100) -> Rows:
    """What people did last, newest first."""
    act = tables.audit
    return rows(store, select(act).order_by(act.c.at.desc()).limit(limit))


def events(
    store: Readable, since: float, levels: Collection[str] | None = None, limit: int = 500
) -> Rows:
    """What happened since epoch second `since`, oldest first; the newest `limit` of it."""
    event = tables.events
    wanted = select(event).where(event.c.at >= since)
    if levels is not None:
        wanted = wanted.where(event.c.level.in_(levels))
    return newest(store, wanted.order_by(event.c.at.desc()).limit(limit))
