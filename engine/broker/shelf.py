"""The records of one ring: those queued in order of acceptance, and those leased.

Each operation changes memory and the journal's places alike; the queue commits.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from itertools import repeat

from engine.broker.base import CAPACITY, MAX_LEASED
from engine.broker.batch import Incoming, pack, pack_one
from engine.broker.journal import Journal
from engine.broker.layout import ACCEPTED, HANDED, HANDED_OUT, OVERWRITTEN, Stored
from engine.broker.waiter import Bereft, Session

Record = tuple[int, int, int, Incoming]
"""sequence, place, accepted (monotonic ns), the record as it came."""

Outgoing = tuple[str, bytes, int, int, int, bool]
"""The fields of `base.Delivery` in order."""


class Shelf:
    """Queued and leased records, at most CAPACITY together. The queue locks it.

    The order is always that of acceptance: a record that comes back goes before all younger.
    """

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self.queued: deque[Record] = deque()
        self.leased: dict[str, tuple[Record, Session]] = {}
        self.next_expiry = 0
        """When the first queued record may expire (monotonic ns); 0 for never."""
        self._returned = False
        journal.held = self.stored
        holder = Bereft()
        for stored in journal.records():
            record = (stored.sequence, stored.place, stored.accepted, stored.item)
            if stored.handed:
                self.leased[stored.item[0]] = (record, holder)
            else:
                self.queued.append(record)
                self._see_expiry(stored.item[3])

    @property
    def depth(self) -> int:
        """Records held, queued and leased."""
        return len(self.queued) + len(self.leased)

    def takeable(self, count: int) -> int:
        """How many of `count` records may be handed out now."""
        return min(count, MAX_LEASED - len(self.leased), len(self.queued))

    def add(self, fresh: list[Incoming], now: int) -> list[str]:
        """Put new records at the tail; returns the ids that they overwrote.

        What a batch has beyond the ring's room overwrites itself.

        Raises:
            BrokerError: the disk is full; nothing changed.
        """
        journal, queued = self._journal, self.queued
        spare = CAPACITY - len(self.leased)
        kept = fresh[-spare:] if len(fresh) > spare else fresh
        count = len(kept)
        first = journal.next_sequence
        entry = journal.append(pack(kept, first, now, kept is fresh))
        journal.next_sequence = first + count
        overwritten = self._make_room(len(queued) + count - spare)
        if kept is not fresh:
            journal.unsaved = True
            overwritten += [item[0] for item in fresh[:-spare]]
        places = journal.occupy(entry, count)
        queued.extend(zip(range(first, first + count), places, repeat(now), kept))
        self._see_expiry(min([item[3] or _NEVER for item in kept]) % _NEVER)
        return overwritten

    def add_one(self, item: Incoming, now: int) -> list[str]:
        """The same for one record, which is what most puts bring."""
        journal, queued = self._journal, self.queued
        sequence = journal.next_sequence
        entry = journal.append(pack_one(item, sequence, now))
        journal.next_sequence = sequence + 1
        overwritten: list[str] = []
        if len(queued) + len(self.leased) < CAPACITY:
            place = journal.free.popleft()
        else:
            _, place, _, gone = queued.popleft()
            overwritten.append(gone[0])
        journal.places[place] = entry
        queued.append((sequence, place, now, item))
        expires = item[3]
        if expires and (not self.next_expiry or expires < self.next_expiry):
            self.next_expiry = expires
        return overwritten

    def replay(self) -> list[str]:
        """Put again what was put after the journal's last commit; returns the ids.

        What a waiting consumer took at once is leased again, by nobody until one takes.
        """
        ids: list[str] = []
        journal, totals = self._journal, self._journal.totals
        reach, nobody = journal.promise.handed, Bereft()
        for entry, batch in journal.tail():
            count = len(batch.items)
            totals[ACCEPTED] += count
            excess = self.depth + count - CAPACITY
            totals[OVERWRITTEN] += len(self._make_room(excess))
            places = journal.occupy(entry, count)
            for number, item in enumerate(batch.items):
                if item is None:
                    journal.lose(places[number])
                    continue
                self.queued.append((batch.first + number, places[number], batch.accepted, item))
                self._see_expiry(item[3])
                ids.append(item[0])
            taken = sum(batch.first <= record[0] < reach for record in self.queued)
            if taken:
                self.hand_out(nobody, taken, 0)
                totals[HANDED_OUT] += taken
        return ids

    @property
    def returned(self) -> bool:
        """Whether a queued record was handed out before; such a ring is not put again alike."""
        if self._returned:
            places = self._journal.places
            self._returned = any(places[record[1]] >= HANDED for record in self.queued)
        return self._returned

    def _make_room(self, excess: int) -> list[str]:
        if excess <= 0:
            return []
        gone = [self.queued.popleft() for _ in range(excess)]
        self._journal.release([record[1] for record in gone])
        return [record[3][0] for record in gone]

    def hand_out(self, session: Session, count: int, now: int) -> list[Outgoing]:
        """Lease the oldest `count` queued records, at least one, to a session."""
        out: list[Outgoing] = []
        places = self._journal.places
        for _ in range(count):
            record = self.queued.popleft()
            _, place, accepted, (record_id, payload, sent, _) = record
            self.leased[record_id] = (record, session)
            before = places[place]
            out.append((record_id, payload, sent, accepted, now, before >= HANDED))
            places[place] = before | HANDED
        self._journal.promise.handed = record[0] + 1
        return out

    def finish(self, session: Session, ids: Sequence[str]) -> int:
        """Let go of what is done; returns how many records that were."""
        gone = [place for name in ids if (place := self._done(session, name)) is not None]
        self._journal.release(gone)
        return len(gone)

    def give_back(self, whose: Callable[[Session], bool]) -> None:
        """Return leases to the head."""
        back = [record for record, holder in self.leased.values() if whose(holder)]
        if back:
            self._returned = True
            for record in back:
                del self.leased[record[3][0]]
                self._see_expiry(record[3][3])
            self.queued = deque(sorted([*back, *self.queued]))

    def expire(self, now: int) -> int:
        """Drop queued records past their expiry; returns how many."""
        self._journal.unsaved = True
        gone = [record for record in self.queued if 0 < record[3][3] <= now]
        self.queued = deque(record for record in self.queued if not 0 < record[3][3] <= now)
        self.next_expiry = min((r[3][3] for r in self.queued if r[3][3]), default=0)
        self._journal.release([record[1] for record in gone])
        return len(gone)

    def newest(self, count: int) -> list[tuple[Record, str]]:
        """The newest records and whose lease they are under, newest first."""
        held = [(record, "") for record in self.queued]
        held += [(record, holder.client) for record, holder in self.leased.values()]
        return sorted(held, reverse=True)[:count]

    def _done(self, session: Session, record_id: str) -> int | None:
        held = self.leased.get(record_id)
        if held is not None:
            if held[1].client not in (session.client, Bereft.client):
                return None
            del self.leased[record_id]
            return held[0][1]
        # Its connection broke and the record went back, but the work was done before.
        for record in self.queued:
            if record[3][0] == record_id and self._journal.places[record[1]] >= HANDED:
                self.queued.remove(record)
                return record[1]
        return None

    def stored(self) -> list[Stored]:
        """All that is held, as the journal knows it."""
        places = self._journal.places
        held = [*self.queued, *(record for record, _ in self.leased.values())]
        return [
            Stored(place, places[place] >= HANDED, sequence, accepted, item)
            for sequence, place, accepted, item in held
        ]

    def _see_expiry(self, expires: int) -> None:
        if expires and (not self.next_expiry or expires < self.next_expiry):
            self.next_expiry = expires


_NEVER = 1 << 63
