"""The ids a queue has seen lately, by which it recognises a record that is put again."""

from __future__ import annotations

import hashlib
from collections import deque
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
        self._order = deque(journal.recent())
        self.keys = set(self._order)
        """What is remembered; see `key_of`."""
        self.keys.update(map(key_of, held))

    def fresh(self, batch: list[Incoming]) -> tuple[list[str], list[Incoming]]:
        """The records not seen before, once each, and their keys."""
        keys = [item[0] for item in batch]
        if keys and max(map(len, keys)) > CELL_BYTES:
            keys = [key_of(name) for name in keys]
        if self.keys.isdisjoint(keys) and len(set(keys)) == len(keys):
            return keys, batch
        new: dict[str, Incoming] = {}
        for key, item in zip(keys, batch, strict=True):
            if key not in self.keys:
                new.setdefault(key, item)
        return list(new), list(new.values())

    def add_one(self, key: str) -> None:
        """Remember one key."""
        order = self._order
        order.append(key)
        self.keys.add(key)
        self._journal.unwritten.append(key)
        if len(order) > CELLS:
            self.keys.discard(order.popleft())

    def add(self, keys: list[str]) -> None:
        """Remember keys; they count once the journal is committed, or promises their batch."""
        self._order.extend(keys)
        self.keys.update(keys)
        self._journal.unwritten += keys
        excess = range(len(self._order) - CELLS)
        self.keys.difference_update([self._order.popleft() for _ in excess])
