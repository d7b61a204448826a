"""How much of the machine other programs took: what is late then is not the pipeline's fault."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

import msgspec

_STAT = Path("/proc/stat")
_IDLE = slice(3, 5)
"""Of the columns of /proc/stat: idle, and waiting for a disk."""


class Reading(msgspec.Struct, frozen=True):
    """Clock ticks since the machine started: of all cores, busy, and taken by our processes."""

    total: int
    busy: int
    ours: int


def read(pids: Iterable[int]) -> Reading | None:
    """The ticks of this moment; None where the system does not tell."""
    try:
        ticks = [int(word) for word in _STAT.read_text().split("\n", 1)[0].split()[1:9]]
    except (OSError, ValueError):
        return None
    total = sum(ticks)
    return Reading(total, total - sum(ticks[_IDLE]), sum(map(_taken, {*pids, os.getpid()})))


def share_of_others(before: Reading | None, after: Reading | None) -> float | None:
    """Which share of all cores others took between two readings; None where nobody knows."""
    if before is None or after is None or after.total <= before.total:
        return None
    ours = max(0, after.ours - before.ours)
    busy = after.busy - before.busy
    return max(0.0, min(1.0, (busy - ours) / (after.total - before.total)))


def _taken(pid: int) -> int:
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0
    return int(fields[11]) + int(fields[12])
