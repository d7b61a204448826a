"""The rows that a recorder's store holds at the end, as events for the checker."""

from __future__ import annotations

from sqlalchemy import select

from db.session import open_store, reading
from db.tables import cache_metrics
from engine.resilience.history import What
from engine.resilience.pipeline import Pipeline
from engine.resilience.planning import helper
from engine.services import Service


def recorder(pipeline: Pipeline, url: str, *needs: str) -> Service:
    """The service that records rows into `url`."""
    (pipeline.folder / "store.url").write_text(url)
    return helper(pipeline, "engine.resilience.recorder", "recorder", *needs, stop_s=20.0)


def look_at_rows(pipeline: Pipeline) -> None:
    """Stop the recorder, which writes what waits, and note every row of the store."""
    pipeline.stop("recorder", seconds=20.0)
    store = open_store((pipeline.folder / "store.url").read_text())
    with reading(store) as connection:
        for key in connection.execute(select(cache_metrics.c.cache_key)).scalars():
            pipeline.history.add(What.STORED, id=key)
    pipeline.history.flush()
    store.dispose()
