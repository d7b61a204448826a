"""A batch of records: checked once, kept in columns, packed for the journal in one piece.

Per-record work in Python is what a large batch costs; so all checks and the packing run over whole
columns. Packed layout: check of what follows up to the payloads, count, bytes of all ids, first
sequence, accepted; then a column each of sent, expires, payload bytes, payload checks and id
lengths; the ids; the payloads. A payload's check is seeded with its sequence. A batch of one has
a single check over all of it.
"""

from __future__ import annotations

import functools
import mmap
import struct
from typing import Any, NamedTuple
from zlib import crc32

from engine.broker.base import CAPACITY, MAX_PAYLOAD_BYTES
from engine.errors import MessageRejected

MAX_ID_BYTES = 200
MAX_BATCH = 1_000

Incoming = tuple[str, bytes, int, int]
"""id, payload, intended send time, expiry (monotonic ns; 0 never)."""

_ROW = (list, tuple)
_INT64 = 1 << 63
_PRINTABLE = bytes(range(32, 127))
_CRC = 0xFFFFFFFF
_WHOLE = 1 << 15
_CHECK = struct.Struct("<I")
_HEAD = struct.Struct("<IHIQq")
_HEAD_SIZE = _HEAD.size
_ONE = struct.Struct("<HIQqqqIIB")
_WHOLE_ONE = _WHOLE | 1
_pack_one = _ONE.pack
_pack_check = _CHECK.pack
MAX_PACKED = CAPACITY * (_HEAD_SIZE + 25 + MAX_ID_BYTES + MAX_PAYLOAD_BYTES)
"""Bytes that no packed batch and no full ring of single records passes."""


def checked(batch: object) -> list[Incoming]:
    """Check every record of a batch before any is accepted.

    Raises:
        MessageRejected: the first record that is malformed or too large, in one sentence.
    """
    if not isinstance(batch, list) or len(batch) > MAX_BATCH:
        raise MessageRejected(f"A batch is a list of at most {MAX_BATCH} records.")
    if len(batch) == 1:
        return [_checked(batch[0])]
    try:
        ids, payloads, sents, expires = zip(*batch, strict=True)
    except (TypeError, ValueError):
        return [_checked(item) for item in batch]
    if not _all_fine(ids, payloads, sents, expires):
        return [_checked(item) for item in batch]
    return list(zip(ids, payloads, sents, expires, strict=True))


def _all_fine(ids: Any, payloads: Any, sents: Any, expires: Any) -> bool:  # noqa: ANN401
    """The same checks over columns; False when any record must be looked at alone."""
    try:
        return (
            all(ids)
            and not "".join(ids).encode("ascii").translate(None, _PRINTABLE)
            and max(map(len, ids)) <= MAX_ID_BYTES
            and set(map(type, payloads)) == {bytes}
            and max(map(len, payloads)) <= MAX_PAYLOAD_BYTES
            and set(map(type, sents + expires)) == {int}
            and min(sents) >= 0
            and min(expires) >= 0
            and max(sents) < _INT64
            and max(expires) < _INT64
        )
    except (TypeError, ValueError):
        return False


def _checked(item: object) -> Incoming:
    if not isinstance(item, _ROW) or len(item) != 4:
        raise MessageRejected("A record is (id, payload, sent_ns, expires_ns).")
    record_id, payload, sent, expires = item
    if type(record_id) is not str or not record_id or len(record_id) > MAX_ID_BYTES:
        raise MessageRejected(
            f"The id {str(record_id)[:40]!r} is not a text of 1 to {MAX_ID_BYTES} characters."
        )
    if not record_id.isascii() or not record_id.isprintable():
        raise MessageRejected(f"The id {record_id[:40]!r} is not printable ASCII.")
    if type(payload) is not bytes:
        raise MessageRejected(
            f"The payload of {record_id!r} is {type(payload).__name__}; give bytes."
        )
    if len(payload) > MAX_PAYLOAD_BYTES:
        raise MessageRejected(
            f"The payload of {record_id!r} has {len(payload)} bytes; "
            f"at most {MAX_PAYLOAD_BYTES} are allowed."
        )
    if (
        type(sent) is not int
        or type(expires) is not int
        or not (0 <= sent < _INT64 and 0 <= expires < _INT64)
    ):
        raise MessageRejected(f"The times of {record_id!r} are not monotonic nanoseconds.")
    return record_id, payload, sent, expires


def pack(items: list[Incoming], first: int, accepted: int, whole: bool = True) -> bytes:
    """Checked records in one piece; `first` is the first one's sequence.

    A batch is not `whole` when its first records were left out, because later ones overwrite them
    at once.
    """
    if len(items) == 1:
        return pack_one(items[0], first, accepted)
    ids, payloads, sents, expiries = zip(*items, strict=True)
    names = "".join(ids).encode()
    count = len(items)
    head = _many(count).pack(
        count | _WHOLE * whole,
        len(names),
        first,
        accepted,
        *sents,
        *expiries,
        *map(len, payloads),
        *map(crc32, payloads, range(first, first + count)),
        *map(len, ids),
    )
    return b"".join((_pack_check(crc32(names, crc32(head))), head, names, *payloads))


def pack_one(item: Incoming, first: int, accepted: int) -> bytes:
    """The same for a batch of one, in a third of the time."""
    record_id, payload, sent, expires = item
    size = len(record_id)
    head = _pack_one(_WHOLE_ONE, size, first, accepted, sent, expires, len(payload), 0, size)
    content = head + record_id.encode() + payload
    return _pack_check(crc32(content)) + content


@functools.cache
def _many(count: int) -> struct.Struct:
    return struct.Struct(f"<HIQq{count}q{count}q{count}I{count}I{count}B")


class Unpacked(NamedTuple):
    """A batch read back; an item is None where its payload is damaged."""

    first: int
    accepted: int
    items: list[Incoming | None]
    size: int
    whole: bool

    def moved(self, by_ns: int) -> Unpacked:
        """The same with its times carried over to another clock."""
        if not by_ns:
            return self
        items = [
            item and (item[0], item[1], item[2] + by_ns, item[3] + by_ns if item[3] else 0)
            for item in self.items
        ]
        return Unpacked(self.first, self.accepted + by_ns, items, self.size, self.whole)


def find(data: mmap.mmap, places: range, after: int, before: int) -> tuple[int, int] | None:
    """The next whole batch whose first sequence lies between two, and where it is."""
    for at in places:
        if at + _HEAD_SIZE <= len(data) and after < _HEAD.unpack_from(data, at)[3] < before:
            with memoryview(data) as whole, whole[at : at + 2 * MAX_PACKED] as some:
                batch = unpack(some)
            if batch is not None:
                return batch.first, at
    return None


def unpack(data: memoryview) -> Unpacked | None:
    """Read the batch at the start of `data`; None when it is damaged."""
    try:
        check, count, names_size, first, accepted = _HEAD.unpack_from(data)
        count, whole = count & ~_WHOLE, bool(count & _WHOLE)
        columns = _many(count) if 0 < count <= CAPACITY else None
        if columns is None:
            return None
        fields = columns.unpack_from(data, _CHECK.size)
    except struct.error:
        return None
    start = _CHECK.size + columns.size
    column = [fields[4 + count * i : 4 + count * (i + 1)] for i in range(5)]
    checked_to = start + names_size + (column[2][0] if count == 1 else 0)
    if crc32(data[_CHECK.size : checked_to]) != check:
        return None
    items: list[Incoming | None] = []
    name_at, at = start, start + names_size
    for sent, expires, size, payload_check, length in zip(*column, strict=True):
        record_id = str(data[name_at : name_at + length], "ascii")
        payload = bytes(data[at : at + size])
        name_at, at = name_at + length, at + size
        intact = count == 1 or crc32(payload, (first + len(items)) & _CRC) == payload_check
        items.append((record_id, payload, sent, expires) if intact else None)
    return Unpacked(first, accepted, items, at, whole)
