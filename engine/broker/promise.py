"""How far the puts behind a journal's last commit reach.

A put writes its batch, then its promise; only then is it answered. So what a promise reaches is
whole, or was damaged later. Two slots are written in turns: a kill in the middle of one leaves the
other, which reaches all that was answered.
"""

from __future__ import annotations

import mmap
import struct

SLOTS = (64, 128)
"""Where the two lie in the journal's head page, each in a cache line of its own."""

_PROMISE = struct.Struct("@QQQ")
_pack_promise = _PROMISE.pack_into


class Promise:
    """The next sequence that nothing is promised of, and the first that was not handed out."""

    __slots__ = ("_data", "_slot", "handed", "next_sequence")

    def __init__(self, data: mmap.mmap) -> None:
        self._data = data
        found = [(*_PROMISE.unpack_from(data, at), at) for at in SLOTS]
        intact = [one for one in found if one[2] == one[0] ^ one[1]] or [(0, 0, 0, SLOTS[1])]
        self.next_sequence, self.handed, _, self._slot = max(intact)

    def write(self, next_sequence: int) -> None:
        """Make puts count up to a sequence, and hand-outs up to `handed`."""
        self._slot = slot = _OTHER[self._slot]
        handed = self.handed
        _pack_promise(self._data, slot, next_sequence, handed, next_sequence ^ handed)


_OTHER = {SLOTS[0]: SLOTS[1], SLOTS[1]: SLOTS[0]}
