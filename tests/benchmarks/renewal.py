"""What training anew is worth while a cache runs, beside networks that stay as they were.

    python -m tests.benchmarks.renewal TRACES ... [--only web12] [--shares 0.01] [--windows 4]
        [--requests 600000] [--kept data/learned]

Both caches start with the policy of the first half. The second half is replayed in windows; before
each but the first, one of the two adopts a policy trained on the newest requests before it, as many
as the first half has. Hit ratio of each window, and the points that training anew gained in all.
"""

from __future__ import annotations

import argparse
import itertools
import os
from pathlib import Path

import msgspec
import numpy as np

from engine.cache.base import Room
from engine.cache.hybrid import HybridReplay
from engine.settings import ROOT
from engine.traces.trace import Trace, digest
from engine.training.options import TrainOptions
from engine.training.policy import TrainedPolicy
from tests.benchmarks.kept import trained
from tests.benchmarks.learned import rooms


def newest(trace: Trace, end: int, count: int) -> Trace:
    """The last `count` requests before `end`, twice: a training touches no second half."""
    made = trace.requests.take(np.tile(np.arange(end - count, end), 2))
    return Trace(msgspec.structs.replace(trace.info, digest=digest(made)), made, trace.key_texts)


def windows(trace: Trace, room: Room, given: argparse.Namespace) -> list[tuple[int, float, float]]:
    """Requests of each window, and the hits with frozen and with renewed networks."""
    requests, half = trace.requests, len(trace.requests) // 2
    options = TrainOptions(cache_size=room.capacity, objective="hits")

    def policy(of: Trace) -> TrainedPolicy:
        return trained(of, options, given.kept)[0]

    first = policy(trace)
    frozen, renewed = HybridReplay(first, room), HybridReplay(first, room)
    for replay in (frozen, renewed):
        replay.feed(requests.slice(0, half))
    edges = np.linspace(half, len(requests), given.windows + 1).astype(int).tolist()
    found = []
    for number, (start, stop) in enumerate(itertools.pairwise(edges)):
        if number:
            renewed.adopt(policy(newest(trace, start, half)))
        part = requests.slice(start, stop)
        found.append((stop - start, frozen.feed(part).mean(), renewed.feed(part).mean()))
    return found


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("traces", nargs="+")
    parser.add_argument("--only", nargs="+")
    parser.add_argument("--shares", nargs="+", type=float, default=[0.01])
    parser.add_argument("--windows", type=int, default=4)
    parser.add_argument("--requests", type=int, default=600_000)
    parser.add_argument("--kept", type=Path, default=ROOT / "data" / "learned")
    given = parser.parse_args()
    given.by_bytes = False
    print(f"{'trace':14} {'holds':>7}  frozen -> renewed, by window {'':40} gained")
    for trace, room in rooms(given):
        found = windows(trace, room, given)
        told = "  ".join(f"{old:.4f} -> {new:.4f}" for _, old, new in found)
        count = sum(part for part, _, _ in found)
        gained = 100 * sum(part * (new - old) for part, old, new in found) / count
        print(f"{trace.info.name:14} {room.capacity:>7,}  {told}  {gained:+.2f}", flush=True)
    print(f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")


if __name__ == "__main__":
    main()
