"""Another program holds the store's write lock: rows wait in memory, predictions do not."""

from __future__ import annotations

import contextlib
import sqlite3

from engine.resilience.base import COMMON, Parameter, Phases, Scenario, Values
from engine.resilience.common import AFTER, BEFORE, RATE, around
from engine.resilience.pipeline import Pipeline
from engine.resilience.stored import look_at_rows, recorder
from engine.services import Service


class DatabaseLocked(Scenario):
    """Holds an immediate transaction on a private SQLite store."""

    title = "Database locked"
    question = "Is no metric row lost or doubled, and no prediction delayed, by a locked store?"
    parameters = (
        RATE,
        Parameter("locked_s", 8, 1.0, 0.5, 30, "s", "how long it is locked"),
        BEFORE,
        AFTER,
    )
    checkers = (*COMMON, "rows")

    def services(self, pipeline: Pipeline) -> tuple[Service, ...]:
        """A recorder with a SQLite store of its own."""
        return (recorder(pipeline, f"sqlite:///{pipeline.folder}/store.sqlite3"),)

    def load(self, values: Values) -> Phases:
        """A steady rate throughout."""
        return around(values, values["locked_s"])

    def harm(self, pipeline: Pipeline, values: Values) -> None:
        """Lock, wait, let go."""
        path = pipeline.folder / "store.sqlite3"
        with contextlib.closing(sqlite3.connect(path, isolation_level=None, timeout=5)) as holder:
            holder.execute("BEGIN IMMEDIATE")
            with pipeline.fault("database locked"):
                try:
                    pipeline.wait(values["locked_s"])
                finally:
                    holder.execute("ROLLBACK")

    def look_back(self, pipeline: Pipeline, values: Values) -> None:
        """Note the rows that are stored."""
        _ = values
        look_at_rows(pipeline)
