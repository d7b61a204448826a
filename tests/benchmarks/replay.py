"""Replaying a million requests beside libcachesim's own `process_trace`, in one run.

`python -m tests.benchmarks.replay [--trace FILE] [--requests N] [--share 0.01] [--rounds 3]`

Both sides run in this process in turns; what counts is the best CPU time of each, which a loaded
machine disturbs least. Reading the file belongs to theirs, as they have no other way in (it is
mapped, 24 bytes a request); finding each next request belongs to ours for Belady, whose file gives
it to theirs.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import libcachesim as lib
import numpy as np

from engine.cache import POLICIES
from engine.cache.base import Policy, Room
from engine.registry import resolve
from engine.traces.trace import Requests
from tests.engine.cache.generated import requests, zipf_keys
from tests.engine.cache.libcachesim import reader, written

GOALS: dict[str, tuple[str, dict[str, Any], float | None]] = {
    "lru": ("LRU", {}, 3.0),
    "sieve": ("Sieve", {}, 3.0),
    "s3-fifo": ("S3FIFO", {}, 3.0),
    "w-tinylfu-1": ("WTinyLFU", {"window_size": 0.01}, 3.0),
    "w-tinylfu-20": ("WTinyLFU", {"window_size": 0.2}, 3.0),
    "arc": ("ARC", {}, 1.5),
    "gdsf": ("GDSF", {}, 1.5),
    "belady": ("Belady", {}, 1.5),
    "fifo": ("FIFO", {}, None),
    "lfu": ("LFU", {}, None),
    "slru": ("SLRU", {}, None),
    "2q": ("TwoQ", {}, None),
    "mq": ("MQ", {}, None),
    "lirs": ("LIRS", {}, None),
    "clock2q+": ("Clock2QPlus", {}, None),
    "hyperbolic": ("Hyperbolic", {}, None),
    "lhd": ("LHD", {}, None),
    "belady-value": ("BeladySize", {"n_samples": 128}, None),
}
"""Row of POLICIES -> its name there, parameters, and how many times as fast ours should be."""


def made(count: int) -> Requests:
    """Zipf's law over a tenth as many keys, with a scan of a hundredth of them every tenth."""
    keys = zipf_keys(count * 9 // 10, count // 10, 0)
    scans = np.arange(10**8, 10**8 + count // 10).reshape(10, -1)
    return requests(np.concatenate([*map(np.append, np.array_split(keys, 10), scans)]))


def cpu(work: Callable[[], Any]) -> tuple[float, Any]:
    """CPU seconds of this process for some work, and what it gave."""
    started = time.process_time()
    found = work()
    return time.process_time() - started, found


def ours(name: str, asked: Requests, room: Room) -> tuple[float, float]:
    """CPU seconds and hit ratio."""
    policy: Policy = resolve(POLICIES, name, "policy")()
    seconds, hits = cpu(lambda: policy.start_for(room, asked, 0).feed(asked))
    return seconds, float(hits.mean())


def theirs(name: str, path: str, capacity: int, own: dict[str, Any]) -> tuple[float, float]:
    """CPU seconds of `process_trace` alone, and hit ratio."""
    opened = reader(path)
    # Not the default table of 2**24 places: walking it would cost them every look-up a cache miss.
    cache = getattr(lib, name)(capacity, hashpower=18, **own)
    seconds, missed = cpu(lambda: cache.process_trace(opened))
    return seconds, 1.0 - float(missed[0])


def compared(
    names: Sequence[str], asked: Requests, capacity: int, path: str, rounds: int
) -> Iterator[str]:
    """A line a policy."""
    room = Room(capacity, False, asked.distinct)
    for name in names:
        peer, own, goal = GOALS[name]
        ours(name, asked.slice(0, 100), room)  # compiles
        pairs = [
            (ours(name, asked, room), theirs(peer, path, capacity, own)) for _ in range(rounds)
        ]
        mine, other = (min(pair[side] for pair in pairs) for side in (0, 1))
        ratio = other[0] / mine[0]
        verdict = "" if goal is None else "reached" if ratio >= goal else "NOT REACHED"
        yield (
            f"{name:14s} {len(asked) / mine[0] / 1e6:7.2f} {len(asked) / other[0] / 1e6:7.2f} "
            f"{ratio:7.2f} {goal or '-':>5} {verdict:12s} {mine[1]:.4f} {other[1]:.4f}"
        )


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trace", help="a file of any format; default: generated")
    parser.add_argument("--requests", type=int, default=1_000_000)
    parser.add_argument("--share", type=float, default=0.01, help="capacity by distinct keys")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--policies", nargs="+", default=list(GOALS))
    given = parser.parse_args()
    if given.trace:
        from engine.settings import load_settings
        from engine.traces.importing import open_trace

        asked = open_trace(given.trace, load_settings()).requests.slice(0, given.requests)
    else:
        asked = made(given.requests)
    capacity = max(1, int(asked.distinct * given.share))
    print(
        f"{len(asked):,} requests, {asked.distinct:,} keys, {capacity:,} held; "
        f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores; millions a CPU second"
    )
    print(f"{'policy':14s} {'ours':>7s} {'theirs':>7s} {'ratio':>7s}  goal {'':12s} hit ratios")
    with tempfile.TemporaryDirectory() as folder:
        path = written(asked, Path(folder))
        for line in compared(given.policies, asked, capacity, path, given.rounds):
            print(line, flush=True)
    print(f"load {os.getloadavg()[0]:.1f}")


if __name__ == "__main__":
    main()
