"""One named queue: a ring of 100 places with leases, kept in a journal."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from pathlib import Path

from engine.broker.batch import MAX_BATCH, Incoming
from engine.broker.journal import open_journal
from engine.broker.layout import (
    ACCEPTED,
    ACKNOWLEDGED,
    CELL_BYTES,
    DUPLICATES,
    EXPIRED,
    HANDED_OUT,
    OVERWRITTEN,
)
from engine.broker.recent import Recent, key_of
from engine.broker.sampling import Row, Sampling
from engine.broker.shelf import Outgoing, Shelf
from engine.broker.waiter import Bereft, Session, Waiter
from engine.errors import BrokerError

SLICE_S = 1.0
"""Longest wait on the server, so that a dead client's thread ends soon."""

Figures = tuple[int, ...]
"""The fields of `base.Counters` in order."""

Answer = tuple[list[Outgoing], Figures]


class Ring:
    """Accepts, hands out, acknowledges, overwrites and expires. Thread-safe."""

    def __init__(self, path: Path) -> None:
        self._lock = threading.Lock()
        self._gone = False
        self._waiters: deque[Waiter] = deque()
        self._journal = open_journal(path)
        self._totals = self._journal.totals
        self._shelf = Shelf(self._journal)
        again = self._shelf.replay()
        self._bereft = bool(self._shelf.leased)
        held = self._shelf.stored()
        self._recent = Recent(self._journal, [stored.item[0] for stored in held])
        self._recent.add([key_of(name) for name in again])
        self._journal.compact(held, 0)
        self._sampling = Sampling(self._totals, self._shelf.depth)

    def put(self, batch: list[Incoming]) -> tuple[int, int, list[str], Figures]:
        """Accept a checked batch; returns accepted, duplicates, overwritten ids, figures.

        Raises:
            BrokerError: the disk is full; nothing was accepted.
        """
        with self._lock:
            now = time.monotonic_ns()
            shelf, journal, totals = self._shelf, self._journal, self._totals
            if now >= self._sampling.due or 0 < shelf.next_expiry <= now:
                self._turn(now)
            idle, unlike = not shelf.queued, shelf.returned
            accepted, overwritten = (
                self._add_one(batch[0], now) if len(batch) == 1 else self._add(batch, now)
            )
            doubles = len(batch) - accepted
            totals[ACCEPTED] += accepted
            totals[OVERWRITTEN] += len(overwritten)
            if doubles:
                totals[DUPLICATES] += doubles
                journal.unsaved = True
            depth = len(shelf.queued) + len(shelf.leased)
            if depth > self._sampling.depth_max:
                self._sampling.depth_max = depth
            served = self._serve() if self._waiters else _NOBODY
            # Put again, the new records are handed out again only where they were the first.
            if (
                unlike
                or journal.unsaved
                or len(journal.unwritten) >= MAX_BATCH
                or (served and not idle)
            ):
                journal.commit()
            else:
                journal.promise.write(journal.next_sequence)
            figures = journal.epoch, depth, len(shelf.leased), *totals
        for waiter in served:
            waiter.deliver()
        return accepted, doubles, overwritten, figures

    def get(
        self, session: Session, count: int, wait_s: float, acknowledged: list[str]
    ) -> Answer | Waiter:
        """Acknowledge, then hand out up to `count` records; a waiter when there are none yet."""
        with self._lock:
            now = time.monotonic_ns()
            if now >= self._sampling.due or 0 < self._shelf.next_expiry <= now:
                self._turn(now)
            if acknowledged:
                self._acknowledge(session, acknowledged)
            if self._bereft:
                self._bereft = False
                self._shelf.give_back(lambda holder: isinstance(holder, Bereft))
            room = self._shelf.takeable(count)
            result: Answer | Waiter
            if room > 0:
                result = self._hand_out(session, room, now), self._figures()
            elif wait_s <= 0:
                result = [], self._figures()
            else:
                result = Waiter(session, count)
                self._waiters.append(result)
            # Acknowledgements may have made room for others that wait.
            served = self._finish()
        for other in served:
            other.deliver()
        return result

    def withdraw(self, waiter: Waiter) -> Answer | None:
        """End a wait: an empty answer, or None when records are on their way already."""
        with self._lock:
            if waiter.answer is not None:
                return None
            self._waiters.remove(waiter)
            return [], self._figures()

    def acknowledge(self, session: Session, ids: list[str]) -> Figures:
        """Mark records as done."""
        with self._lock:
            now = time.monotonic_ns()
            self._turn(now)
            self._acknowledge(session, ids)
            served = self._finish()
            figures = self._figures()
        for waiter in served:
            waiter.deliver()
        return figures

    def attach(self, session: Session) -> Figures:
        """A consumer begins anew: what its earlier generations leased goes back."""
        client, generation = session.client, session.generation
        return self._give_back(
            lambda holder: holder.client == client and holder.generation != generation
        )

    def leave(self, session: Session) -> None:
        """A connection closed: what it leased goes back."""
        self._give_back(lambda holder: holder is session)

    def figures(self) -> Figures:
        """The fields of `base.Counters`."""
        with self._lock:
            return self._figures()

    def samples(self, after: int) -> list[Row]:
        """Finished seconds later than `after`."""
        with self._lock:
            self._turn(time.monotonic_ns())
            return self._sampling.rows(after)

    def peek(self, count: int) -> list[tuple[str, bytes, float, str]]:
        """The newest records, newest first; the fields of `base.Peeked`."""
        with self._lock:
            now = time.monotonic_ns()
            held = self._shelf.newest(count)
        return [
            (item[0], item[1], max(0, now - accepted) / 1e6, client)
            for (_, _, accepted, item), client in held
        ]

    def turn(self, patience_s: float) -> bool:
        """Expire and sample while idle; False when the lock cannot be had in time."""
        if not self._lock.acquire(timeout=patience_s):
            return False
        try:
            if not self._gone:
                self._turn(time.monotonic_ns())
                if self._journal.unsaved or self._journal.unwritten:
                    self._journal.commit()
            return True
        finally:
            self._lock.release()

    def drop(self) -> None:
        """Delete the journal; those who wait get nothing, calls under way are refused."""
        with self._lock:
            self._gone = True
            # So that also a put looks whether the queue is gone.
            self._sampling.due = 0
            waiting, self._waiters = self._waiters, deque()
            for waiter in waiting:
                waiter.answer = [], self._figures()
            self._journal.remove()
        for waiter in waiting:
            waiter.deliver()

    def close(self) -> None:
        """Write the journal back and stop: whoever calls afterwards waits for ever.

        The lock is kept on purpose, so that nothing is promised that the journal does not hold.
        """
        self._lock.acquire()
        self._journal.flush()

    @property
    def handed_out(self) -> int:
        """Records handed out so far: the queue's progress."""
        return self._totals[HANDED_OUT]

    def _add_one(self, item: Incoming, now: int) -> tuple[int, list[str]]:
        key = item[0] if len(item[0]) <= CELL_BYTES else key_of(item[0])
        if key in self._recent.keys:
            return 0, []
        overwritten = self._shelf.add_one(item, now)
        self._recent.add_one(key)
        self._sampling.enqueue.add(now - item[2])
        return 1, overwritten

    def _add(self, batch: list[Incoming], now: int) -> tuple[int, list[str]]:
        keys, fresh = self._recent.fresh(batch)
        if not fresh:
            return 0, []
        overwritten = self._shelf.add(fresh, now)
        self._recent.add(keys)
        self._sampling.enqueue.extend([now - item[2] for item in fresh])
        return len(fresh), overwritten

    def _hand_out(self, session: Session, count: int, now: int) -> list[Outgoing]:
        out = self._shelf.hand_out(session, count, now)
        self._totals[HANDED_OUT] += count
        self._sampling.dequeue.extend([max(0, now - item[3]) for item in out])
        return out

    def _serve(self) -> list[Waiter]:
        """Hand records to those who wait, first come first; the caller commits, then delivers."""
        served: list[Waiter] = []
        now = time.monotonic_ns()
        while self._waiters and (room := self._shelf.takeable(self._waiters[0].count)) > 0:
            waiter = self._waiters.popleft()
            waiter.answer = (self._hand_out(waiter.session, room, now), self._figures())
            served.append(waiter)
        return served

    def _acknowledge(self, session: Session, ids: list[str]) -> None:
        done = self._shelf.finish(session, ids)
        self._totals[ACKNOWLEDGED] += done

    def _give_back(self, whose: Callable[[Session], bool]) -> Figures:
        with self._lock:
            if self._gone:
                return self._figures()
            self._shelf.give_back(whose)
            served = self._finish()
            figures = self._figures()
        for waiter in served:
            waiter.deliver()
        return figures

    def _turn(self, now: int) -> None:
        """Begin a new second if it is time, and drop what has expired.

        Raises:
            BrokerError: the queue has been dropped.
        """
        if self._gone:
            raise BrokerError("The queue was dropped during this call; call again to begin anew.")
        self._sampling.turn(self._shelf.depth)
        if 0 < self._shelf.next_expiry <= now:
            self._totals[EXPIRED] += self._shelf.expire(now)

    def _finish(self) -> list[Waiter]:
        served = self._serve() if self._waiters else []
        self._journal.commit()
        return served

    def _figures(self) -> Figures:
        leased = len(self._shelf.leased)
        return (self._journal.epoch, len(self._shelf.queued) + leased, leased, *self._totals)


_NOBODY: list[Waiter] = []
