"""What a queue holds, in a memory-mapped file that outlives a killed process.

Layout: one head page with the promise, two commit pages, the recent ids, then two halves of packed
batches. A batch is appended to the current half and promised. That is all for a plain put, also for
one whose records a waiting consumer takes at once: after a kill, batches behind the last commit are
put, and handed out, again. Every other operation then writes a commit (counters, and where each
record of the ring lies, with a serial number and a checksum) over the *older* of the two. A kill at
any moment leaves one whole commit with all that it names untouched: an operation happened whole or
not at all. When a half is full, what is held moves to the other. Without fsync, a power cut may
cost the last moments.
"""

from __future__ import annotations

import logging
import mmap
import time
import zlib
from array import array
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from engine.broker.base import CAPACITY
from engine.broker.batch import MAX_PACKED, Unpacked, find, pack_one, unpack
from engine.broker.files import allocate, boot_id, open_sized
from engine.broker.layout import (
    ACCEPTED,
    CELL_BYTES,
    CELLS,
    CHECK,
    COMMIT,
    DAMAGED,
    FILE_BYTES,
    HALF_BYTES,
    HANDED,
    HEAD,
    HEAP_AT,
    INDEX,
    MAGIC,
    OFFSET,
    PAGE,
    SOFT_LIMIT,
    UNIT,
    Stored,
    Totals,
    block_of,
    read_cells,
    write_cells,
)
from engine.broker.promise import Promise
from engine.errors import BrokerError

log = logging.getLogger(__name__)


class NotJournal(Exception):  # noqa: N818 - reads as the sentence it reports
    """Raised when a file is no journal of this version."""


class Journal:
    """One queue's file, restored as of its last commit, with the epoch one higher.

    Not thread-safe: the queue's lock guards it. Call `records`, then `compact` with them, before
    any write.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.epoch = 0
        self.next_sequence = 1
        self.recent_count = 0
        self.totals: Totals = [0] * 7
        self.places = array("I", bytes(4 * CAPACITY))
        self.free: deque[int] = deque()
        self._serial = self._half = self._limit = 0
        self._end = HEAP_AT
        self.held: Callable[[], list[Stored]] = self.records
        """Tells what a compaction has to keep."""
        self.unwritten: list[str] = []
        """Recent keys that the next commit writes."""
        self.unsaved = False
        """Whether anything but whole new batches waits for the next commit."""
        self._shift_ns = 0
        self._boot = boot_id()
        self._reserved = [0, 0]
        head = HEAD.pack(MAGIC, CELLS, CELL_BYTES, HALF_BYTES, CAPACITY)
        file = open_sized(path, head, FILE_BYTES)
        if file is None:
            raise NotJournal(str(path))
        self._file = file
        allocate(file, 0, HEAP_AT)
        self._map = mmap.mmap(file.fileno(), FILE_BYTES)
        self.promise = Promise(self._map)
        try:
            self._restore()
        except BaseException:
            self.close()
            raise

    def append(self, packed: bytes) -> int:
        """Write a packed batch behind all others; returns the entry of its first record.

        Raises:
            BrokerError: the disk is full; nothing changed.
        """
        at = self._end
        end = at + len(packed)
        if end > self._limit:
            self.compact(self.held(), len(packed) + UNIT)
            return self.append(packed)
        self._map[at:end] = packed
        self._end = (end + 7) & -UNIT
        return at // UNIT

    def occupy(self, entry: int, count: int) -> list[int]:
        """Give free places to the records of a batch; `entry` is its first one's."""
        free, places = self.free, self.places
        taken = [free.popleft() for _ in range(count)]
        for place in taken:
            places[place] = entry
            entry += INDEX
        return taken

    def release(self, taken: Sequence[int]) -> None:
        """Free places whose records are gone."""
        places = self.places
        for place in taken:
            places[place] = 0
        self.free.extend(taken)

    def compact(self, held: Sequence[Stored], needed: int) -> None:
        """Move all that is held to the other half and make sure that `needed` bytes fit.

        Raises:
            BrokerError: the disk is full; nothing changed.
        """
        packed = [(s.place, s.handed, pack_one(s.item, s.sequence, s.accepted)) for s in held]
        size = sum(len(data) + UNIT for _, _, data in packed) + needed
        half, room = 1 - self._half, min(HALF_BYTES, max(SOFT_LIMIT, 3 * size))
        if self._reserved[half] < room:
            self._allocate(_start_of(half), room)
            self._reserved[half] = room
        self._half, self._end = half, _start_of(half)
        self._limit = self._end + room
        for place, handed, data in packed:
            self.places[place] = self.append(data) | (HANDED if handed else 0)
        self.commit()

    def commit(self) -> None:
        """Make everything since the last commit count, all at once."""
        if self.unwritten:
            write_cells(self._map, self.recent_count, self.unwritten)
            self.recent_count += len(self.unwritten)
            self.unwritten.clear()
        self.unsaved = False
        self._serial += 1
        block = COMMIT.pack(
            self._serial,
            self.epoch,
            self.next_sequence,
            self.recent_count,
            *self.totals,
            self._offset_ns,
            self._half,
            self._end,
            self._boot,
            self.places.tobytes(),
        )
        at = PAGE * (1 + self._serial % 2)
        self._map[at : at + len(block) + 4] = block + CHECK.pack(zlib.crc32(block))

    def records(self) -> list[Stored]:
        """The committed records by sequence; a damaged one is skipped, counted and told."""
        found: list[Stored] = []
        for place, entry in enumerate(self.places):
            if entry:
                record = self._read(place, entry)
                if record is None:
                    self.lose(place)
                else:
                    found.append(record)
        self.free = deque(place for place in range(CAPACITY) if not self.places[place])
        return sorted(found, key=lambda record: record.sequence)

    def lose(self, place: int) -> None:
        """Skip a damaged record."""
        self.release([place])
        self.totals[DAMAGED] += 1
        log.warning("Skipped one damaged record in the journal %s.", self.path)

    def tail(self) -> Iterator[tuple[int, Unpacked]]:
        """The batches behind the commit and the entry of each; the caller puts them again."""
        while True:
            at = self._end
            batch = self._batch(at)
            promised = self.next_sequence < self.promise.next_sequence
            # Old batches lie behind the last one, but their sequences are lower.
            if batch is None or batch.first != self.next_sequence or not batch.whole:
                if not promised:
                    return
                self._skip()
                continue
            if None in batch.items and not promised:
                return
            self._end = (at + batch.size + 7) & -UNIT
            self.next_sequence += len(batch.items)
            yield at // UNIT, batch

    def _skip(self) -> None:
        """Go on behind damaged batches; what they held is lost, counted and told."""
        last = self.promise.next_sequence
        places = range(self._end + UNIT, _start_of(self._half + 1), UNIT)
        found = find(self._map, places, self.next_sequence, last)
        first, self._end = found or (last, self._end)
        lost = first - self.next_sequence
        self.next_sequence = first
        self.totals[ACCEPTED] += lost
        self.totals[DAMAGED] += lost
        log.warning("Lost %d damaged records in the journal %s.", lost, self.path)

    def recent(self) -> list[str]:
        """The keys still remembered, oldest first."""
        return read_cells(self._map, self.recent_count)

    def flush(self) -> None:
        """Write back to the disk."""
        self._map.flush()

    def remove(self) -> None:
        """Unmap and delete."""
        self.path.unlink(missing_ok=True)
        self._map.close()
        self._file.close()

    def close(self) -> None:
        """Write back and unmap."""
        self.flush()
        self._map.close()
        self._file.close()

    def _allocate(self, start: int, size: int) -> None:
        try:
            allocate(self._file, start, size)
        except OSError as error:
            raise BrokerError(
                f"The queue cannot accept predictions: its journal {self.path} cannot grow "
                f"({error.strerror}); free some disk space."
            ) from None

    def _read(self, place: int, entry: int) -> Stored | None:
        at, index = (entry & OFFSET) * UNIT, (entry & ~HANDED) // INDEX
        batch = self._batch(at)
        if batch is None or index >= len(batch.items):
            return None
        item, sequence = batch.items[index], batch.first + index
        if item is None or not 0 < sequence < self.next_sequence:
            return None
        return Stored(place, entry >= HANDED, sequence, batch.accepted, item)

    def _batch(self, at: int) -> Unpacked | None:
        if not HEAP_AT <= at < FILE_BYTES:
            return None
        with memoryview(self._map) as whole, whole[at : at + 2 * MAX_PACKED] as data:
            batch = unpack(data)
        return batch and batch.moved(self._shift_ns)

    def _restore(self) -> None:
        pages = [self._map[PAGE * page : PAGE * page + COMMIT.size + 4] for page in (1, 2)]
        blocks = [block for page in pages if (block := block_of(page)) is not None]
        self._offset_ns = time.time_ns() - time.monotonic_ns()
        if not blocks:
            if any(any(page) for page in pages):
                raise NotJournal(str(self.path))
            self.epoch = 1
            return
        last = max(blocks, key=lambda block: int(block[0]))
        self._serial, self.epoch, self.next_sequence, self.recent_count = last[:4]
        self.totals = list(last[4:11])
        offset, self._half, self._end, boot, places = last[11:]
        self.places = array("I", places)
        if boot != self._boot:
            # The monotonic clock began anew with the machine: carry times over by the wall clock.
            self._shift_ns = offset - self._offset_ns
        self.epoch += 1


def _start_of(half: int) -> int:
    return HEAP_AT + half * HALF_BYTES


def open_journal(path: Path) -> Journal:
    """Open or create a journal; a file that is none is moved aside with one sentence."""
    try:
        return Journal(path)
    except NotJournal:
        aside = path.with_name(f"{path.name}.damaged-{time.time_ns()}")
        path.rename(aside)
        log.warning("%s is no queue journal; moved to %s, starting empty.", path, aside.name)
        return Journal(path)
