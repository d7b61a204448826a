"""Rows that wait in memory for their commit: bounded, in order, with what is lost counted."""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import count
from typing import Any, NamedTuple

from sqlalchemy import Table

log = logging.getLogger(__name__)

BATCH_ROWS = 500
BATCH_SECONDS = 0.2
"""A batch is due at so many rows, or so long after its first row came."""

CATCH_UP_ROWS = 5000
"""Rows of one batch when more have piled up."""

_NONE: Iterator[int] = iter(())
"""For tables without numbers."""


class Run(NamedTuple):
    """Rows of one table that came one after another.

    Rows wait as they are, not each in a pair with its table: so many pairs at once would send
    Python's garbage collector through the whole heap again and again.
    """

    table: Table
    rows: deque[dict[str, Any]]


@dataclass(frozen=True)
class WriterStats:
    """What became of the rows given to a writer."""

    committed: int = 0
    spooled: int = 0
    """Waiting in memory, the batch being written included."""
    dropped: int = 0
    """Lost: the spool was full, or the writer closed during an outage."""
    rejected: int = 0
    """Refused by the database for what they hold."""
    last_error: str | None = None
    """One sentence while the store is out of reach; None when all is well."""

    @property
    def lost(self) -> int:
        """Rows that will never be committed."""
        return self.dropped + self.rejected


class Spool:
    """The rows between those who add them and the thread that commits them.

    Args:
        limit: most rows that wait behind the batch in flight; past it the oldest of them go.
        writer: the id that rows get which bring none of their own.
    """

    def __init__(self, limit: int, writer: str) -> None:
        self._limit = limit
        self._writer = writer
        self._runs: deque[Run] = deque()
        self._waiting = 0
        self._in_flight = 0
        self._numbers: dict[Table, Iterator[int]] = {}
        self._lock = threading.RLock()
        self._changed = threading.Condition(self._lock)
        self._stats = WriterStats()
        self._added = 0
        self._first_at = 0.0
        self._urgent = False
        self._closed_at: float | None = None

    @property
    def stats(self) -> WriterStats:
        """The counts of this moment."""
        with self._changed:
            return replace(self._stats, spooled=self._waiting + self._in_flight)

    def put(self, table: Table, row: dict[str, Any]) -> None:
        """Add a row, numbering it if its table has numbers and it brings none."""
        with self._lock:  # the condition's own way in would cost each row a call more
            if self._closed_at is not None:
                raise ValueError("This writer is closed and takes no more rows.")
            numbers = self._numbers.get(table)
            if numbers is None:
                numbers = self._numbers[table] = count() if "sequence" in table.c else _NONE
            if numbers is not _NONE and "sequence" not in row:
                row["writer"], row["sequence"] = self._writer, next(numbers)
            if self._runs and self._runs[-1].table is table:
                self._runs[-1].rows.append(row)
            else:
                self._runs.append(Run(table, deque((row,))))
            self._added += 1
            self._waiting += 1
            if self._waiting > self._limit:
                self._drop_oldest()
            if self._waiting == 1:
                self._first_at = time.monotonic()
                self._changed.notify_all()
            elif self._waiting == BATCH_ROWS:
                self._changed.notify_all()

    def take(self) -> list[Run]:
        """Wait for rows that are due; empty when closed and nothing more is to be tried."""
        with self._changed:
            while True:
                if self._closed_at is not None and (not self._waiting or self._time_is_up()):
                    return []
                due_in = self._due_in()
                if due_in is not None and due_in <= 0:
                    break
                self._changed.wait(due_in)
            batch = self._due()
            self._in_flight = sum(len(run.rows) for run in batch)
            self._waiting -= self._in_flight
            self._first_at = time.monotonic()
            self._urgent = self._urgent and self._waiting > 0
            return batch

    def settle(self, committed: int = 0, rejected: int = 0, dropped: int = 0) -> None:
        """Say what became of rows in flight."""
        with self._changed:
            self._in_flight -= committed + rejected + dropped
            self._count(committed, rejected, dropped)

    def pause(self, seconds: float) -> bool:
        """Wait before another attempt; False when it is too late for one.

        A spool that is being closed tries often: its time is short.
        """
        with self._changed:
            if self._closed_at is None:
                self._changed.wait_for(lambda: self._closed_at is not None, seconds)
            else:
                self._changed.wait(min(seconds, 0.1))
            return not self._time_is_up()

    def trouble(self, sentence: str | None) -> None:
        """Keep why the store is out of reach, or None when it is back."""
        with self._changed:
            self._stats = replace(self._stats, last_error=sentence)

    def wait(self, timeout_s: float) -> bool:
        """Wait until every row added so far is committed; False for time up or rows lost."""
        deadline = time.monotonic() + timeout_s
        with self._changed:
            target, lost = self._added, self._stats.lost
            self._urgent = True
            self._changed.notify_all()
            while self._stats.committed + self._stats.lost < target:
                left = deadline - time.monotonic()
                if left <= 0:
                    return False
                self._changed.wait(left)
            return self._stats.lost == lost

    def close(self, give_up_at: float) -> None:
        """Take no more rows; attempts end at `give_up_at` (monotonic seconds)."""
        with self._changed:
            self._closed_at = give_up_at
            self._changed.notify_all()

    def abandon(self) -> int:
        """Drop and count whatever is still here; returns how many rows that was."""
        with self._changed:
            left = self._waiting + self._in_flight
            self._runs.clear()
            self._waiting = self._in_flight = 0
            self._count(dropped=left)
            return left

    def _due(self) -> list[Run]:
        """The oldest rows, at most CATCH_UP_ROWS of them."""
        batch: list[Run] = []
        room = CATCH_UP_ROWS
        while self._runs and room:
            table, rows = self._runs[0]
            if len(rows) <= room:
                batch.append(self._runs.popleft())
            else:
                batch.append(Run(table, deque(rows.popleft() for _ in range(room))))
            room -= len(batch[-1].rows)
        return batch

    def _time_is_up(self) -> bool:
        return self._closed_at is not None and time.monotonic() >= self._closed_at

    def _due_in(self) -> float | None:
        if not self._waiting:
            return None
        if self._urgent or self._closed_at is not None or self._waiting >= BATCH_ROWS:
            return 0.0
        return self._first_at + BATCH_SECONDS - time.monotonic()

    def _drop_oldest(self) -> None:
        if self._stats.dropped == 0:
            log.warning("The spool of %d rows is full; the oldest rows are dropped", self._limit)
        oldest = self._runs[0].rows
        oldest.popleft()
        if not oldest:
            self._runs.popleft()
        self._waiting -= 1
        self._count(dropped=1)

    def _count(self, committed: int = 0, rejected: int = 0, dropped: int = 0) -> None:
        self._stats = replace(
            self._stats,
            committed=self._stats.committed + committed,
            rejected=self._stats.rejected + rejected,
            dropped=self._stats.dropped + dropped,
        )
        self._changed.notify_all()
