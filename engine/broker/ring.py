"""One named queue: a ring of 100 places with leases, kept in a journal."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from pathlib import Path

from engine.broker.batch import Incoming
from engine.broker.journal import open_journal
from engine.broker.recent import Recent, key_of
from engine.broker.sampling import (
    ACCEPTED,
    ACKNOWLEDGED,
    EXPIRED,
    HANDED_OUT,
    OVERWRITTEN,
    Row,
    Sampling,
)
from engine.broker.shelf import Outgoing, Shelf
from engine.broker.waiter import Bereft, Session, Waiter

SLICE_S = 1.0
"""Longest wait on the server, so that a dead client's thread ends soon."""

Figures = tuple[int, ...]
"""The fields of `base.Counters` in order."""

Answer = tuple[list[Outgoing], Figures]

_ACCEPTED, _DUPLICATES, _HANDED, _ACKNOWLEDGED, _OVERWRITTEN, _EXPIRED, _ = range(7)


class Ring:
    """Accepts, hands out, acknowledges, overwrites and expires. Thread-safe."""

    def __init__(self, path: Path) -> None:
        self._lock = threading.Lock()
        self._sampling = Sampling()
        self._waiters: deque[Waiter] = deque()
        self._journal = open_journal(path)
        self._totals = self._journal.totals
        self._shelf = Shelf(self._journal)
        self._bereft = bool(self._shelf.leased)
        again = self._shelf.replay()
        held = self._shelf.stored()
        self._recent = Recent(self._journal, [stored.item[0] for stored in held])
        self._recent.add([key_of(name) for name in again])
        self._journal.compact(held, 0)

    def put(self, batch: list[Incoming]) -> tuple[int, int, list[str], Figures]:
        """Accept a checked batch; returns accepted, duplicates, overwritten ids, figures.

        Raises:
            BrokerError: the disk is full; nothing was accepted.
        """
        with self._lock:
            now = time.monotonic_ns()
            sampling, totals, shelf = self._sampling, self._totals, self._shelf
            if now >= sampling.due:
                sampling.turn()
            if 0 < shelf.next_expiry <= now:
                self._expire(now)
            unlike = shelf.returned
            accepted, overwritten = (
                self._add_one(batch[0], now) if len(batch) == 1 else self._add(batch, now)
            )
            doubles = len(batch) - accepted
            totals[_ACCEPTED] += accepted
            sampling.counts[ACCEPTED] += accepted
            if doubles:
                totals[_DUPLICATES] += doubles
                self._journal.unsaved = True
            if overwritten:
                totals[_OVERWRITTEN] += len(overwritten)
                sampling.counts[OVERWRITTEN] += len(overwritten)
            depth = len(shelf.queued) + len(shelf.leased)
            sampling.depth_last = depth
            if depth > sampling.depth_max:
                sampling.depth_max = depth
            served = self._serve() if self._waiters else ()
            if served or unlike or self._journal.due:
                self._journal.commit()
            figures = self._figures()
        for waiter in served:
            waiter.deliver()
        return accepted, doubles, overwritten, figures

    def get(
        self, session: Session, count: int, wait_s: float, acknowledged: list[str]
    ) -> Answer | Waiter:
        """Acknowledge, then hand out up to `count` records; a waiter when there are none yet."""
        with self._lock:
            self._sampling.turn()
            if acknowledged:
                self._acknowledge(session, acknowledged)
            if self._bereft:
                self._bereft = False
                self._shelf.give_back(lambda holder: isinstance(holder, Bereft))
            now = time.monotonic_ns()
            self._expire(now)
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
            self._sampling.turn()
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
            self._sampling.turn()
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
            self._sampling.turn()
            self._expire(time.monotonic_ns())
            if self._journal.behind:
                self._journal.commit()
            return True
        finally:
            self._lock.release()

    def close(self) -> None:
        """Write the journal back and stop: whoever calls afterwards waits for ever.

        The lock is kept on purpose, so that nothing is promised that the journal does not hold.
        """
        self._lock.acquire()
        self._journal.flush()

    @property
    def handed_out(self) -> int:
        """Records handed out so far: the queue's progress."""
        return self._totals[_HANDED]

    def _add_one(self, item: Incoming, now: int) -> tuple[int, list[str]]:
        key = self._recent.fresh_one(item[0])
        if not key:
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
        self._totals[_HANDED] += count
        self._sampling.counts[HANDED_OUT] += count
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
        self._totals[_ACKNOWLEDGED] += done
        self._sampling.counts[ACKNOWLEDGED] += done

    def _give_back(self, whose: Callable[[Session], bool]) -> Figures:
        with self._lock:
            self._shelf.give_back(whose)
            served = self._finish()
            figures = self._figures()
        for waiter in served:
            waiter.deliver()
        return figures

    def _expire(self, now: int) -> None:
        if not 0 < self._shelf.next_expiry <= now:
            return
        gone = self._shelf.expire(now)
        self._totals[_EXPIRED] += gone
        self._sampling.counts[EXPIRED] += gone
        self._sampling.depth(self._shelf.depth)

    def _finish(self) -> list[Waiter]:
        served = self._serve() if self._waiters else []
        self._journal.commit()
        self._sampling.depth(self._shelf.depth)
        return served

    def _figures(self) -> Figures:
        leased = len(self._shelf.leased)
        return (self._journal.epoch, len(self._shelf.queued) + leased, leased, *self._totals)
