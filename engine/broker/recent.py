"""The ids a queue has seen lately, by which it recognises a record that is put again."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

from engine.broker.batch import Incoming
from engine.broker.journal import Journal
from engine.broker.layout import CELL_BYTES, CELLS


def key_of(record_id: str) -> str:
    """What is remembered of an id: itself, or a digest of a long one.

    The digest begins with a character that no id may hold.
    """
    if len(record_id) <= CELL_BYTES:
        return record_id
    return "\x01" + hashlib.blake2b(record_id.encode(), digest_size=19).hexdigest()


class Recent:
    """The last 16 384 ids and those that the ring holds. The queue locks it."""

    def __init__(self, journal: Journal, held: Iterable[str]) -> None:
        self._journal = journal
        self._cells = [""] * CELLS
        for cell, key in journal.recent().items():
            self._cells[cell] = key
        self._keys = {key for key in self._cells if key}
        self._keys.update(map(key_of, held))

    def fresh(self, batch: list[Incoming]) -> tuple[list[str], list[Incoming]]:
        """The records not seen before, once each, and their keys."""
        keys = [item[0] for item in batch]
        if keys and max(map(len, keys)) > CELL_BYTES:
            keys = [key_of(name) for name in keys]
        if self._keys.isdisjoint(keys) and len(set(keys)) == len(keys):
            return keys, batch
        new: dict[str, Incoming] = {}
        for key, item in zip(keys, batch, strict=True):
            if key not in self._keys:
                new.setdefault(key, item)
        return list(new), list(new.values())

    def fresh_one(self, record_id: str) -> str:
        """The key of a record not seen before, or an empty one."""
        key = record_id if len(record_id) <= CELL_BYTES else key_of(record_id)
        return "" if key in self._keys else key

    def add_one(self, key: str) -> None:
        """Remember one key."""
        cell = self._journal.recent_count % CELLS
        self._keys.discard(self._cells[cell])
        self._keys.add(key)
        self._cells[cell] = key
        self._journal.remember_one(key)

    def add(self, keys: list[str]) -> None:
        """Remember keys; they count once the journal is committed."""
        start = self._journal.recent_count % CELLS
        end = start + len(keys)
        if end > CELLS:
            self.add(keys[: CELLS - start])
            self.add(keys[CELLS - start :])
            return
        self._keys.difference_update(self._cells[start:end])
        self._keys.update(keys)
        self._cells[start:end] = keys
        self._journal.remember(keys)
