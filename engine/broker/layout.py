"""Where everything lies in a queue's journal, and what is read back from it."""

from __future__ import annotations

import mmap
import struct
import zlib
from typing import Any, NamedTuple

from engine.broker.base import CAPACITY
from engine.broker.batch import MAX_BATCH, MAX_PACKED, Incoming

RECENT = 16_384
"""How many ids are remembered at least to recognise a record that is put again."""

CELLS = RECENT + 2 * MAX_BATCH
"""A kill before a commit may leave as many of the oldest written over."""

CELL_BYTES = 40
"""Room of one id in the list of recent ids."""

MAGIC = b"CSQUEUE3"
HEAD = struct.Struct("<8sIIII")
COMMIT = struct.Struct(f"<QQQQQQQQQQQqQQ16s{4 * CAPACITY}s")
CHECK = struct.Struct("<I")
PAGE = 4096
CELLS_AT = 3 * PAGE
HEAP_AT = CELLS_AT + -(-CELL_BYTES * CELLS // PAGE) * PAGE
HALF_BYTES = -(-2 * MAX_PACKED // PAGE) * PAGE
"""A full ring of largest records and a batch that replaces it."""

SOFT_LIMIT = 512 * 1024
"""A half counts as full here while little is held: a small file stays in the CPU's cache."""

FILE_BYTES = HEAP_AT + 2 * HALF_BYTES

HANDED = 1 << 31
"""Set in a place's entry once its record was handed out; below it lie index and offset."""

UNIT = 8
INDEX = 1 << 24
OFFSET = INDEX - 1

assert CAPACITY <= HANDED // INDEX  # noqa: S101 - the index of a batch's last record fits
assert FILE_BYTES <= INDEX * UNIT  # noqa: S101 - and so does the last offset

Totals = list[int]
"""What the constants below count, each at its place."""

ACCEPTED, DUPLICATES, HANDED_OUT, ACKNOWLEDGED, OVERWRITTEN, EXPIRED, DAMAGED = range(7)


class Stored(NamedTuple):
    """A committed record as read back; times in monotonic ns of this boot."""

    place: int
    handed: bool
    sequence: int
    accepted: int
    item: Incoming


def block_of(page: bytes) -> tuple[Any, ...] | None:
    """The commit on a page; None when it is torn."""
    raw = page[: COMMIT.size]
    if CHECK.unpack_from(page, COMMIT.size)[0] != zlib.crc32(raw):
        return None
    return COMMIT.unpack(raw)


def read_cells(data: mmap.mmap, count: int) -> list[str]:
    """The last RECENT of `count` keys that were remembered, oldest first."""
    keys = []
    for number in range(max(0, count - RECENT), count):
        at = CELLS_AT + number % CELLS * CELL_BYTES
        keys.append(data[at : at + CELL_BYTES].rstrip(b"\0").decode("ascii", errors="replace"))
    return keys


def write_cells(data: mmap.mmap, number: int, keys: list[str]) -> None:
    """Write keys, of which the first is the `number`-th ever, around the end if need be."""
    start = number % CELLS
    rest = CELLS - start
    for cell, some in ((start, keys[:rest]), (0, keys[rest:])):
        text = "".join([key.ljust(CELL_BYTES, "\0") for key in some]).encode()
        at = CELLS_AT + cell * CELL_BYTES
        data[at : at + len(text)] = text
