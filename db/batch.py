"""A writer that never makes its caller wait: rows are spooled and committed in batches.

A batch is written in one transaction with insert-or-ignore on each row's unique key. When the
answer of a commit is lost, the same rows are written again and none is doubled. During an outage
rows wait in memory, in order; past the limit the oldest are dropped and counted.
"""

from __future__ import annotations

import logging
import os
import secrets
import socket
import threading
import time
from collections import deque
from collections.abc import Callable
from itertools import islice

from sqlalchemy import Connection, Engine, Table, UniqueConstraint

from db.faults import explain, is_outage
from db.rows import Row, insert, transaction
from db.spool import Run, Spool, WriterStats

log = logging.getLogger(__name__)

_FIRST_WAIT_S = 0.1
_LONGEST_WAIT_S = 1.0
"""Between two attempts during an outage."""


class BatchWriter:
    """Takes rows from any thread and commits them in the background, in the order they came.

    Rows of tables with `writer` and `sequence` get both unless they bring them: the writer's own
    id and a number without gaps per table, so that a reader can count what was lost.

    Args:
        store: an open, migrated store.
        limit: most rows that wait in memory behind the batch that is being written.
        on_error: called with one sentence when an outage begins and when a row is refused, in the
            writer's own thread; both are logged in any case.
        writer: this writer's id, unique among all that ever write; made up if not given.
    """

    def __init__(
        self,
        store: Engine,
        limit: int = 50_000,
        on_error: Callable[[str], None] | None = None,
        writer: str | None = None,
    ) -> None:
        self.writer = writer or _identity()
        self._store = store
        self._on_error = on_error
        self._spool = Spool(limit, self.writer)
        self._keyed: set[Table] = set()
        self._thread = threading.Thread(target=self._run, name="batch-writer", daemon=True)
        self._thread.start()

    @property
    def stats(self) -> WriterStats:
        """The counts of this moment."""
        return self._spool.stats

    def add(self, table: Table, row: Row) -> None:
        """Hand over one row; returns at once.

        Raises:
            ValueError: the writer is closed, or the table has no key that makes a retry safe.
        """
        if table not in self._keyed:
            _refuse_keyless(table)
            self._keyed.add(table)
        self._spool.put(table, dict(row))

    def flush(self, timeout_s: float) -> bool:
        """Wait until every row added so far is committed.

        Returns:
            False if time ran out, or rows were dropped or rejected meanwhile.
        """
        return self._spool.wait(timeout_s)

    def close(self, timeout_s: float = 1.5) -> bool:
        """Commit what is spooled and stop; what cannot be written in time is dropped and counted.

        Returns:
            Whether everything that waited was committed.
        """
        lost = self.stats.lost
        self._spool.close(time.monotonic() + timeout_s)
        self._thread.join(timeout_s + 0.2)
        if left := self._spool.abandon():
            log.error("%d rows were lost: the store was out of reach at the end", left)
        return self.stats.lost == lost

    def _run(self) -> None:
        while batch := self._spool.take():
            if not self._deliver(batch):
                return

    def _deliver(self, batch: list[Run]) -> bool:
        """Write the batch, however often it takes; False when the writer's time is up.

        A row that the database refuses is found by halving, so that it stops no other row.
        """
        parts, wait = [batch], _FIRST_WAIT_S
        while parts:
            error = self._attempt(parts[0])
            if error is None:
                self._spool.settle(committed=_size(parts.pop(0)))
                wait = _FIRST_WAIT_S
                self._recovered()
            elif is_outage(error):
                self._report(error)
                if not self._spool.pause(wait):
                    return False
                wait = min(_LONGEST_WAIT_S, wait * 2)
            elif _size(parts[0]) == 1:
                self._reject(parts.pop(0)[0], error)
            else:
                parts[:1] = _halves(parts[0])
        return True

    def _attempt(self, runs: list[Run]) -> Exception | None:
        tables: dict[Table, list[Row]] = {}
        for table, rows in runs:
            tables.setdefault(table, []).extend(rows)

        def write(connection: Connection) -> None:
            for table, rows in tables.items():
                insert(connection, table, rows)

        try:
            transaction(self._store, write)
        except Exception as error:  # noqa: BLE001 - a wrong value makes drivers raise anything
            return error
        return None

    def _report(self, error: Exception) -> None:
        sentence = explain(error, self._store.url)
        begins = self.stats.last_error is None
        self._spool.trouble(sentence)
        if begins:
            log.warning("Rows wait in memory: %s", sentence)
            self._tell(sentence)

    def _recovered(self) -> None:
        if self.stats.last_error is not None:
            self._spool.trouble(None)
            log.info("The store is back; rows that waited are being written")

    def _reject(self, run: Run, error: Exception) -> None:
        table, row = run.table, run.rows[0]
        who = f"writer {row.get('writer', '?')} sequence {row.get('sequence', '?')}"
        sentence = f"The database refused a row of {table.name} ({who}): {_brief(error)}"
        log.error("%s", sentence)
        self._tell(sentence)
        self._spool.settle(rejected=1)  # last: whoever waits in `flush` finds it told

    def _tell(self, sentence: str) -> None:
        if self._on_error is not None:
            self._on_error(sentence)


def _identity() -> str:
    return f"{socket.gethostname()[:20]}-{os.getpid()}-{secrets.token_hex(6)}"


def _size(runs: list[Run]) -> int:
    return sum(len(run.rows) for run in runs)


def _halves(runs: list[Run]) -> list[list[Run]]:
    middle = len(runs) // 2
    if middle:
        return [runs[:middle], runs[middle:]]
    table, rows = runs[0]
    first = deque(islice(rows, len(rows) // 2))
    rest = deque(islice(rows, len(first), None))
    return [[Run(table, first)], [Run(table, rest)]]


def _brief(error: Exception) -> str:
    return str(getattr(error, "orig", None) or error).strip().partition("\n")[0][:300]


def _refuse_keyless(table: Table) -> None:
    is_unique = any(isinstance(rule, UniqueConstraint) for rule in table.constraints)
    if table.autoincrement_column is not None and not is_unique:
        raise ValueError(
            f"Rows of {table.name} have no unique key, so that a retry could double them; "
            "write them with db.writes.insert."
        )
