"""One named queue: a ring of 100 places with leases, kept in a journal."""

from __future__ import annotations

import hashlib
import threading
import time
from collections import deque
from collections.abc import Callable
from itertools import islice
from pathlib import Path

from engine.broker.base import CAPACITY, MAX_LEASED
from engine.broker.journal import FREE, HANDED, KEY_BYTES, QUEUED, RECENT, SLOTS, open_journal
from engine.broker.sampling import (
    ACCEPTED,
    ACKNOWLEDGED,
    EXPIRED,
    HANDED_OUT,
    OVERWRITTEN,
    Row,
    Sampling,
)
from engine.broker.waiter import Delivered, Session, Waiter
from engine.errors import BrokerError

SLICE_S = 1.0
"""Longest wait on the server, so that a dead client's thread ends soon."""

Incoming = tuple[str, bytes, int, int]
"""id, payload, intended send time, expiry (monotonic ns; 0 never)."""

Outgoing = tuple[str, bytes, int, int, int, bool]
"""The fields of `base.Delivery` in order."""

Figures = tuple[int, ...]
"""The fields of `base.Counters` in order."""

_ACCEPTED, _DUPLICATES, _HANDED, _ACKNOWLEDGED, _OVERWRITTEN, _EXPIRED = range(6)


class Bereft:
    """Holds what was leased when the server ended: its consumer may have done the work.

    The leases stand until a consumer takes again, with its acknowledgements first; so a record
    is not overwritten between the server's end and the news that it was done.
    """

    client = ""
    generation = ""

    def gone(self) -> bool:
        """It is no connection."""
        return True

    def deliver(self, _answer: object) -> bytes:
        """It is no connection."""
        raise OSError


class Record:
    """A record in one of the places."""

    __slots__ = ("accepted", "expires", "handed", "id", "payload", "sent", "sequence", "slot")

    def __init__(self, slot: int, handed: bool, sequence: int, record_id: str) -> None:
        self.slot = slot
        self.handed = handed
        self.sequence = sequence
        self.id = record_id
        self.payload = b""
        self.sent = self.accepted = self.expires = 0


class Ring:
    """Accepts, hands out, acknowledges, overwrites and expires. Thread-safe.

    The queue is always ordered by acceptance: a record that comes back goes before all younger.
    """

    def __init__(self, path: Path) -> None:
        self._lock = threading.Lock()
        self._sampling = Sampling()
        self._queued: deque[Record] = deque()
        self._leased: dict[str, tuple[Record, Session]] = {}
        self._waiters: deque[Waiter] = deque()
        self._journal = open_journal(path)
        self._totals = self._journal.totals
        self._next_expiry = 0
        self._bereft = False
        self._restore()

    def put(self, batch: list[Incoming]) -> tuple[int, int, list[str], Figures]:
        """Accept a checked batch; returns accepted, duplicates, overwritten ids, figures.

        Raises:
            BrokerError: the disk is full; nothing was accepted.
        """
        with self._lock:
            now = time.monotonic_ns()
            self._sampling.turn()
            if self._next_expiry:
                self._expire(now)
            self._reserve(batch)
            fresh = self._fresh(batch)
            overwritten = self._make_room(fresh)
            for key, item in fresh[max(0, len(fresh) - self._room()) :]:
                self._store(key, item, now)
            accepted, doubles = len(fresh), len(batch) - len(fresh)
            self._totals[_ACCEPTED] += accepted
            self._totals[_DUPLICATES] += doubles
            self._totals[_OVERWRITTEN] += len(overwritten)
            counts = self._sampling.counts
            counts[ACCEPTED] += accepted
            counts[OVERWRITTEN] += len(overwritten)
            self._sampling.enqueue.extend([now - item[2] for _, item in fresh])
            self._finish()
            figures = self._figures()
            served = self._serve() if self._waiters else ()
        for waiter in served:
            waiter.deliver()
        return accepted, doubles, overwritten, figures

    def get(
        self, session: Session, count: int, wait_s: float, acknowledged: list[str]
    ) -> tuple[list[Outgoing], Figures] | Delivered:
        """Hand out up to `count` records, waiting at most one slice for the first.

        Raises:
            EOFError: the client went away while waiting.
        """
        with self._lock:
            if acknowledged:
                self._acknowledge(session, acknowledged)
            if self._bereft:
                self._bereft = False
                self._release(lambda holder: isinstance(holder, Bereft))
            self._sampling.turn()
            if self._next_expiry and self._expire(time.monotonic_ns()):
                self._finish()
            room = self._takeable(count)
            if room > 0:
                answer = self._hand_out(session, room), self._figures()
                served = self._serve()
                waiter = None
            elif wait_s <= 0:
                return [], self._figures()
            else:
                waiter = Waiter(session, count)
                self._waiters.append(waiter)
                # Acknowledgements may have made room for others that wait.
                served = self._serve()
        for other in served:
            other.deliver()
        return answer if waiter is None else self._await(waiter, min(wait_s, SLICE_S))

    def _await(self, waiter: Waiter, seconds: float) -> tuple[list[Outgoing], Figures] | Delivered:
        if waiter.wait(seconds):
            return waiter.outcome()
        with self._lock:
            if waiter.answer is None:
                self._waiters.remove(waiter)
                if waiter.session.gone():
                    raise EOFError
                return [], self._figures()
        return waiter.finished()

    def acknowledge(self, session: Session, ids: list[str]) -> Figures:
        """Mark records as done."""
        with self._lock:
            self._sampling.turn()
            self._acknowledge(session, ids)
            figures = self._figures()
            served = self._serve()
        for waiter in served:
            waiter.deliver()
        return figures

    def attach(self, session: Session) -> None:
        """A consumer begins anew: what its earlier generations leased goes back."""
        with self._lock:
            self._release(
                lambda holder: (
                    holder.client == session.client and holder.generation != session.generation
                )
            )

    def leave(self, session: Session) -> None:
        """A connection closed: what it leased goes back."""
        with self._lock:
            self._release(lambda holder: holder is session)
            served = self._serve()
        for waiter in served:
            waiter.deliver()

    def figures(self) -> Figures:
        """The fields of `base.Counters`."""
        with self._lock:
            return self._figures()

    def samples(self, after: int) -> list[Row]:
        """Finished seconds later than `after`."""
        with self._lock:
            self._sampling.turn()
            return [row for row in self._sampling.finished if int(row[0] or 0) > after]

    def peek(self, count: int) -> list[tuple[str, bytes, float, str]]:
        """The newest records, newest first; the fields of `base.Peeked`."""
        with self._lock:
            now = time.monotonic_ns()
            held = [(record, "") for record in self._queued]
            held += [(record, holder.client) for record, holder in self._leased.values()]
        held.sort(key=lambda pair: -pair[0].sequence)
        return [
            (record.id, record.payload, max(0, now - record.accepted) / 1e6, client)
            for record, client in held[:count]
        ]

    def turn(self, patience_s: float) -> bool:
        """Expire and sample while idle; False when the lock cannot be had in time."""
        if not self._lock.acquire(timeout=patience_s):
            return False
        try:
            self._sampling.turn()
            if self._expire(time.monotonic_ns()):
                self._finish()
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

    def _restore(self) -> None:
        holder = Bereft()
        for slot, state, sequence, record_id, payload, *times in self._journal.records():
            record = Record(slot, state == HANDED, sequence, record_id)
            record.payload = payload
            record.sent, record.accepted, record.expires = times
            if record.handed:
                self._leased[record.id] = (record, holder)
            else:
                self._queued.append(record)
                self._see_expiry(record.expires)
        self._bereft = bool(self._leased)
        recent = self._journal.recent()
        self._recent = {key for _, key in recent}
        self._recent_ring = [b""] * RECENT
        for number, key in recent:
            self._recent_ring[number % RECENT] = key
        for record in (*self._queued, *(record for record, _ in self._leased.values())):
            self._recent.add(_key(record.id.encode()))
        self._free = deque(s for s in range(SLOTS) if self._journal.states[s] == FREE)
        self._finish()

    def _reserve(self, batch: list[Incoming]) -> None:
        if not batch:
            return
        size = max([len(item[0]) + len(item[1]) for item in batch])
        if size <= self._journal.room:
            return
        try:
            self._journal.reserve(islice(self._free, min(len(batch), CAPACITY)), size)
        except OSError as error:
            raise BrokerError(
                f"The queue cannot accept predictions: its journal {self._journal.path} cannot "
                f"grow ({error.strerror}); free some disk space."
            ) from None

    def _fresh(self, batch: list[Incoming]) -> list[tuple[bytes, Incoming]]:
        fresh: list[tuple[bytes, Incoming]] = []
        recent, ring, journal = self._recent, self._recent_ring, self._journal
        for item in batch:
            name = item[0].encode()
            key = name if len(name) <= KEY_BYTES else _key(name)
            if key in recent:
                continue
            place = journal.remember(key)
            recent.discard(ring[place])
            ring[place] = key
            recent.add(key)
            fresh.append((name, item))
        return fresh

    def _room(self) -> int:
        return CAPACITY - len(self._queued) - len(self._leased)

    def _make_room(self, fresh: list[tuple[bytes, Incoming]]) -> list[str]:
        overwritten: list[str] = []
        excess = len(fresh) - self._room()
        while excess > 0 and self._queued:
            record = self._queued.popleft()
            self._drop(record)
            overwritten.append(record.id)
            excess -= 1
        # What is left of the excess overwrites itself: the batch is longer than the ring.
        overwritten += [item[0] for _, item in fresh[: max(0, excess)]]
        return overwritten

    def _store(self, name: bytes, item: Incoming, now: int) -> None:
        record_id, payload, sent, expires = item
        journal = self._journal
        slot = self._free.popleft()
        sequence = journal.next_sequence
        journal.next_sequence = sequence + 1
        record = Record(slot, False, sequence, record_id)
        record.payload, record.sent, record.accepted, record.expires = payload, sent, now, expires
        journal.write(slot, sequence, name, payload, (sent, now, expires))
        journal.states[slot] = QUEUED
        self._queued.append(record)
        if expires:
            self._see_expiry(expires)

    def _hand_out(self, session: Session, count: int) -> list[Outgoing]:
        now = time.monotonic_ns()
        out: list[Outgoing] = []
        for _ in range(count):
            record = self._queued.popleft()
            self._leased[record.id] = (record, session)
            out.append(
                (record.id, record.payload, record.sent, record.accepted, now, record.handed)
            )
            record.handed = True
            self._journal.states[record.slot] = HANDED
        self._totals[_HANDED] += count
        self._sampling.count(HANDED_OUT, count)
        self._sampling.dequeue.extend([max(0, now - item[3]) for item in out])
        self._finish()
        return out

    def _takeable(self, count: int) -> int:
        return min(count, MAX_LEASED - len(self._leased), len(self._queued))

    def _serve(self) -> list[Waiter]:
        """Hand records to those who wait, first come first; the caller delivers unlocked."""
        served: list[Waiter] = []
        while self._waiters and (room := self._takeable(self._waiters[0].count)) > 0:
            waiter = self._waiters.popleft()
            waiter.answer = (self._hand_out(waiter.session, room), self._figures())
            served.append(waiter)
        return served

    def _acknowledge(self, session: Session, ids: list[str]) -> None:
        done = 0
        for record_id in ids:
            record = self._done(session, record_id)
            if record is not None:
                self._drop(record)
                done += 1
        if done:
            self._totals[_ACKNOWLEDGED] += done
            self._sampling.count(ACKNOWLEDGED, done)
            self._finish()

    def _done(self, session: Session, record_id: str) -> Record | None:
        held = self._leased.get(record_id)
        if held is not None:
            if held[1].client not in (session.client, Bereft.client):
                return None
            del self._leased[record_id]
            return held[0]
        # Its connection broke and the record went back, but the work was done before.
        for record in self._queued:
            if record.id == record_id and record.handed:
                self._queued.remove(record)
                return record
        return None

    def _release(self, whose: Callable[[Session], bool]) -> None:
        back = [record for record, holder in self._leased.values() if whose(holder)]
        if not back:
            return
        for record in back:
            del self._leased[record.id]
            self._see_expiry(record.expires)
        self._queued = deque(sorted([*back, *self._queued], key=lambda record: record.sequence))

    def _expire(self, now: int) -> int:
        if not self._next_expiry or now < self._next_expiry:
            return 0
        kept: deque[Record] = deque()
        self._next_expiry = 0
        before = len(self._queued)
        for record in self._queued:
            if record.expires and record.expires <= now:
                self._drop(record)
            else:
                kept.append(record)
                self._see_expiry(record.expires)
        self._queued = kept
        gone = before - len(kept)
        self._totals[_EXPIRED] += gone
        self._sampling.count(EXPIRED, gone)
        return gone

    def _see_expiry(self, expires: int) -> None:
        if expires and (not self._next_expiry or expires < self._next_expiry):
            self._next_expiry = expires

    def _drop(self, record: Record) -> None:
        self._journal.states[record.slot] = FREE
        self._free.append(record.slot)

    def _finish(self) -> None:
        self._journal.commit()
        self._sampling.depth(len(self._queued) + len(self._leased))

    def _figures(self) -> Figures:
        leased = len(self._leased)
        return (self._journal.epoch, len(self._queued) + leased, leased, *self._totals)


def _key(name: bytes) -> bytes:
    if len(name) <= KEY_BYTES:
        return name
    return hashlib.blake2b(name, digest_size=32).digest()
