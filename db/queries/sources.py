"""Where request rows come from, and how far each has been collected."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select

from db.queries.run import Readable, Rows, first, rows
from db.tables import sources as known


def sources(store: Readable, limit: int = 200) -> Rows:
    """All sources, the oldest first."""
    return rows(store, select(known).order_by(known.c.id).limit(limit))


def source(store: Readable, source_id: int) -> dict[str, Any] | None:
    """One source by its id, or None."""
    return first(store, select(known).where(known.c.id == source_id))


def watermark(store: Readable, source_id: int) -> float | None:
    """Epoch seconds up to which the source is collected; None before the first rows."""
    found = first(store, select(known.c.watermark).where(known.c.id == source_id))
    return None if found is None else found["watermark"]
