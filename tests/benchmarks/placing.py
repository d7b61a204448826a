"""Where processes run while they are measured.

Left to the scheduler, a sender and its receiver share a core in one round and not in the next,
which moves a raw wake-up from 8 to 60 us. Placed, every hop of every side crosses cores.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Mapping
from pathlib import Path

CAN_PLACE = hasattr(os, "sched_setaffinity") and (os.cpu_count() or 1) > 1
"""Linux with two cores or more; elsewhere the scheduler decides."""


@contextlib.contextmanager
def placed(cores: Mapping[int, int]) -> Iterator[None]:
    """Keep processes on cores until the block ends.

    Args:
        cores: process id to core; threads that a process starts meanwhile stay with it.
    """
    if not CAN_PLACE:
        yield
        return
    everywhere = os.sched_getaffinity(0)
    for process, core in cores.items():
        _move(process, {core})
    try:
        yield
    finally:
        for process in cores:
            _move(process, everywhere)


def _move(process: int, cores: set[int]) -> None:
    # A process that has done its part, or one of its threads, may be gone by now.
    with contextlib.suppress(FileNotFoundError, ProcessLookupError):
        for thread in Path(f"/proc/{process}/task").iterdir():
            os.sched_setaffinity(int(thread.name), cores)
