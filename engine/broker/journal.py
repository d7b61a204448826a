"""What a queue holds, in a memory-mapped file that outlives a killed process.

Layout: one head page, two commit pages, the recent ids, then fixed slots, one record each. An
operation first fills slots that the last commit does not use, then writes the commit (counters
and the state of each slot, with a serial number and a checksum) over the *older* of the two. A
kill at any moment leaves one whole commit whose slots are untouched: an operation happened
completely or not at all. There is no fsync: a power cut may cost the last moments.
"""

from __future__ import annotations

import logging
import mmap
import os
import struct
import time
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from engine.broker.base import CAPACITY, MAX_PAYLOAD_BYTES

log = logging.getLogger(__name__)

MAX_ID_BYTES = 200

RECENT = 16_384
"""How many ids are remembered to recognise a record that is put again."""

KEY_BYTES = 39
"""Longest key in the list of recent ids; a longer id is remembered by its digest."""

SLOTS = 256
"""More than twice the capacity: a whole new ring fits beside the committed one."""

FREE, QUEUED, HANDED = 0, 1, 2

_MAGIC = b"CSQUEUE1"
_HEAD = struct.Struct("<8sIIII")
_COMMIT = struct.Struct("<QQQQQQQQQQQq16s256s")
_CHECK = struct.Struct("<I")
_CELL = struct.Struct("<Q40p")
_SLOT = struct.Struct("<IQqqqHI")
_PAGE = 4096
_CELLS_AT = 3 * _PAGE
_SLOTS_AT = _CELLS_AT + -(-_CELL.size * RECENT // _PAGE) * _PAGE
_STRIDE = -(-(_SLOT.size + MAX_ID_BYTES + MAX_PAYLOAD_BYTES) // _PAGE) * _PAGE
FILE_BYTES = _SLOTS_AT + SLOTS * _STRIDE

assert SLOTS >= 2 * CAPACITY  # noqa: S101 - the kill safety above rests on it

Totals = list[int]
"""accepted, duplicates, handed out, acknowledged, overwritten, expired, damaged."""

Stored = tuple[int, int, int, str, bytes, int, int, int]
"""slot, state, sequence, id, payload, sent, accepted and expiry (monotonic ns)."""


class NotJournal(Exception):  # noqa: N818 - reads as the sentence it reports
    """Raised when a file is no journal of this version."""


class Journal:
    """One queue's file, restored as of its last commit, with the epoch one higher.

    Not thread-safe: the queue's lock guards it. Call `records`, then `commit`, before any write.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.epoch = 0
        self.next_sequence = 1
        self.recent_count = 0
        self.totals: Totals = [0] * 7
        self.states = bytearray(SLOTS)
        self._serial = 0
        self._shift_ns = 0
        self._boot = _boot_id()
        self._file = _open_file(path)
        self._map = mmap.mmap(self._file, FILE_BYTES)
        self._allocated = [0] * SLOTS
        self.room = 0
        """Bytes of id and payload that fit every slot without asking the disk."""
        try:
            self._restore()
        except BaseException:
            self.close()
            raise

    def reserve(self, slots: Iterable[int], size: int) -> None:
        """Make sure that `size` bytes of id and payload fit each slot; raises OSError if not."""
        for slot in slots:
            if self._allocated[slot] < size:
                needed = -(-(_SLOT.size + size) // _PAGE) * _PAGE
                _allocate(self._file, _SLOTS_AT + slot * _STRIDE, needed)
                self._allocated[slot] = needed - _SLOT.size
        self.room = min(self._allocated)

    def write(
        self, slot: int, sequence: int, key: bytes, payload: bytes, times: tuple[int, int, int]
    ) -> None:
        """Fill a free slot; it counts once its state is set and committed."""
        at = _SLOTS_AT + slot * _STRIDE
        body = key + payload
        check = zlib.crc32(body, sequence & 0xFFFFFFFF)
        record = _SLOT.pack(check, sequence, *times, len(key), len(payload)) + body
        self._map[at : at + len(record)] = record

    def remember(self, key: bytes) -> int:
        """Add a key to the recent ids, return its cell; it counts once committed."""
        number = self.recent_count
        self.recent_count = number + 1
        cell = number % RECENT
        _CELL.pack_into(self._map, _CELLS_AT + cell * _CELL.size, number, key)
        return cell

    def commit(self) -> None:
        """Make everything since the last commit count, all at once."""
        self._serial += 1
        block = _COMMIT.pack(
            self._serial,
            self.epoch,
            self.next_sequence,
            self.recent_count,
            *self.totals,
            self._offset_ns,
            self._boot,
            bytes(self.states),
        )
        at = _PAGE * (1 + self._serial % 2)
        self._map[at : at + len(block) + 4] = block + _CHECK.pack(zlib.crc32(block))

    def records(self) -> Iterator[Stored]:
        """The committed records by sequence; a damaged slot is skipped, counted and told."""
        found: list[Stored] = []
        for slot, state in enumerate(self.states):
            if state == FREE:
                continue
            record = self._read(slot, state)
            if record is None:
                self.states[slot] = FREE
                self.totals[6] += 1
                log.warning("Skipped one damaged record in the journal %s.", self.path)
            else:
                found.append(record)
        return iter(sorted(found, key=lambda record: record[2]))

    def recent(self) -> list[tuple[int, bytes]]:
        """Number and key of every id still remembered, oldest first."""
        cells: list[tuple[int, bytes]] = []
        for at in range(_CELLS_AT, _CELLS_AT + RECENT * _CELL.size, _CELL.size):
            number, key = _CELL.unpack_from(self._map, at)
            # A cell beyond the count belongs to an operation that was never committed.
            if key and self.recent_count - RECENT <= number < self.recent_count:
                cells.append((number, key))
        return sorted(cells)

    def flush(self) -> None:
        """Write back to the disk."""
        self._map.flush()

    def close(self) -> None:
        """Write back and unmap."""
        self.flush()
        self._map.close()
        os.close(self._file)

    def _read(self, slot: int, state: int) -> Stored | None:
        at = _SLOTS_AT + slot * _STRIDE
        check, sequence, sent, accepted, expires, key_size, size = _SLOT.unpack_from(self._map, at)
        if (
            key_size > MAX_ID_BYTES
            or size > MAX_PAYLOAD_BYTES
            or not 0 < sequence < self.next_sequence
        ):
            return None
        start = at + _SLOT.size
        body = self._map[start : start + key_size + size]
        if zlib.crc32(body, sequence & 0xFFFFFFFF) != check:
            return None
        shift = self._shift_ns
        times = (sent + shift, accepted + shift, expires + shift if expires else 0)
        if shift:
            _SLOT.pack_into(self._map, at, check, sequence, *times, key_size, size)
        name = body[:key_size].decode(errors="replace")
        return slot, state, sequence, name, body[key_size:], *times

    def _restore(self) -> None:
        pages = [self._map[_PAGE * page : _PAGE * page + _COMMIT.size + 4] for page in (1, 2)]
        blocks = [block for page in pages if (block := _block(page)) is not None]
        self._offset_ns = time.time_ns() - time.monotonic_ns()
        if not blocks:
            if any(any(page) for page in pages):
                raise NotJournal(str(self.path))
            self.epoch = 1
            return
        last = max(blocks, key=lambda block: int(block[0]))
        self._serial, self.epoch, self.next_sequence, self.recent_count = last[:4]
        self.totals = list(last[4:11])
        offset, boot, states = last[11:]
        self.states[:] = states
        if boot != self._boot:
            # The monotonic clock began anew with the machine: carry times over by the wall clock.
            self._shift_ns = offset - self._offset_ns
        self.epoch += 1


def _block(page: bytes) -> tuple[Any, ...] | None:
    raw = page[: _COMMIT.size]
    if _CHECK.unpack_from(page, _COMMIT.size)[0] != zlib.crc32(raw):
        return None
    return _COMMIT.unpack(raw)


def _open_file(path: Path) -> int:
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        head = _HEAD.pack(_MAGIC, SLOTS, RECENT, _STRIDE, CAPACITY)
        size = os.fstat(descriptor).st_size
        if size:
            if size != FILE_BYTES or os.pread(descriptor, len(head), 0) != head:
                raise NotJournal(str(path))
        else:
            os.pwrite(descriptor, head, 0)
            os.truncate(descriptor, FILE_BYTES)
        _allocate(descriptor, 0, _SLOTS_AT)
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


def _allocate(descriptor: int, start: int, size: int) -> None:
    """Take disk blocks now: a full disk is an error here, but a crash (SIGBUS) in the map."""
    if hasattr(os, "posix_fallocate"):
        os.posix_fallocate(descriptor, start, size)


def open_journal(path: Path) -> Journal:
    """Open or create a journal; a file that is none is moved aside with one sentence."""
    try:
        return Journal(path)
    except NotJournal:
        aside = path.with_name(f"{path.name}.damaged-{time.time_ns()}")
        path.rename(aside)
        log.warning("%s is no queue journal; moved to %s, starting empty.", path, aside.name)
        return Journal(path)


def _boot_id() -> bytes:
    try:
        text = Path("/proc/sys/kernel/random/boot_id").read_text("ascii")
        return bytes.fromhex(text.strip().replace("-", ""))
    except (OSError, ValueError):
        return bytes(16)
