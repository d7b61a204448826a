"""What a run leaves behind: processes, sockets, and file handles, here and in its processes."""

from __future__ import annotations

import contextlib
import os
import shutil
import time
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import psutil

from engine.resilience.history import What

if TYPE_CHECKING:
    from engine.resilience.pipeline import Pipeline

GONE_S = 2.0
STEADY = ("queue", "producer", "consumer")


def handles(pid: int | None = None) -> Counter[str]:
    """What a process (None: this one) has open: files by path, sockets by peer, the rest by kind.

    Nothing of a process that is gone, or whose handles this system does not tell.
    """
    found: Counter[str] = Counter()
    with contextlib.suppress(psutil.Error, OSError):
        process = psutil.Process(pid)
        found.update(file.path for file in process.open_files())
        for one in process.net_connections("all"):
            found[f"a socket {one.laddr} {one.raddr}"] += 1
        rest = process.num_fds() - found.total()
        if rest > 0:
            found["a pipe or the like"] = rest
    return found


def note_handles(pipeline: Pipeline, when: str) -> None:
    """Note how many handles queue, producer and consumer have; `when` is before or after.

    What else a scenario starts is still warming up at the first look, or open to others.
    """
    for service in pipeline.ours():
        looked_at = service["pid"] and service["name"] in STEADY
        count = handles(pipeline.victim(service["name"])).total() if looked_at else 0
        if count:
            pipeline.history.tell(
                What.HANDLES, id=f"{service['name']} {service['pid']}", note=when, value=count
            )


def sweep(pipeline: Pipeline) -> None:
    """Note what is left of a pipeline that was closed, and remove its sockets."""
    history = pipeline.history
    for pid, name in pipeline.pids.items():
        if not is_gone(pid, GONE_S):
            history.tell(What.LEFT, note=f"{name} (pid {pid})")
    end = time.monotonic() + GONE_S
    # The report of the run is written meanwhile, by a thread of its own.
    while (more := _more_than(pipeline.handles)) and time.monotonic() < end:
        time.sleep(0.05)
    for name, count in more.items():
        history.tell(What.LEFT, note=f"{name} ({count} open in the runner)")
    run_path = pipeline.settings.run_path
    if (run_path / "control").exists():
        history.tell(What.LEFT, note="the socket control")
    shutil.rmtree(run_path, ignore_errors=True)
    history.tell(What.SWEPT)


def _more_than(before: Counter[str]) -> Counter[str]:
    """What this process has open beyond what it had, but for the store and the run's history."""
    now = handles() - before
    return Counter({name: count for name, count in now.items() if not _is_ours(name)})


def _is_ours(name: str) -> bool:
    return name.endswith(".jsonl") or ".sqlite3" in name


def is_gone(pid: int, seconds: float) -> bool:
    """Whether a process has ended within so many seconds."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return True
        stat = Path(f"/proc/{pid}/stat")
        with contextlib.suppress(OSError):
            # A zombie is gone; only its parent has not looked yet.
            if stat.read_text().rpartition(")")[2].split()[0] == "Z":
                return True
        time.sleep(0.02)
    return False
