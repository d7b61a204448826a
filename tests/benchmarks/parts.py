"""What each part of the learned policy is worth alone: every scorer without a guard, and the guard.

    python -m tests.benchmarks.parts TRACES ... [--only web12] [--shares 0.01 0.1] [--seeds 1]
        [--asked 4] [--window 0.05] [--kept data/learned]

Points of hit ratio over the best classic in hindsight, on the second half, warmed by the first. The
networks are those of `tests.benchmarks.learned`, kept or trained now; `asked` and `window` replay
them with another number of candidates, or another share that is a window.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec
import numpy as np
from numpy.typing import NDArray

from engine.cache.base import Replay, Room
from engine.cache.hybrid import start
from engine.cache.scorers import UNTRAINED
from engine.settings import ROOT
from engine.traces.trace import Requests, Trace
from engine.training.evaluation import evaluate
from engine.training.options import TrainOptions
from engine.training.policy import TrainedPolicy
from tests.benchmarks.kept import trained
from tests.benchmarks.learned import rooms

NETWORKS = ("ppo", "dqn")


def alone(policy: TrainedPolicy, scorer: str) -> TrainedPolicy:
    """The policy ruled by one scorer, without a guard."""
    named = {scorer: policy.spec.algorithms.get(scorer, "")}
    spec = msgspec.structs.replace(policy.spec, guard=False, algorithms=named)
    return TrainedPolicy(spec, policy.networks)


def judged(replay: Replay, requests: Requests) -> float:
    """Hit ratio on the second half."""
    half = len(requests) // 2
    replay.feed(requests.slice(0, half))
    hits: NDArray[np.bool_] = replay.feed(requests.slice(half, len(requests)))
    return float(hits.mean())


def points(trace: Trace, room: Room, given: argparse.Namespace) -> tuple[str, list[float]]:
    """The best classic, and points over it: of every scorer alone, then of the guard."""
    found: list[Sequence[float]] = []
    title, best = "", 0.0
    for seed in range(given.seeds):
        options = TrainOptions(cache_size=room.capacity, seeds=(seed,), objective="hits")
        policy, _ = trained(trace, options, given.kept)
        if not title:
            told = evaluate(trace, [policy])
            title = told.verdicts[0].best_classic
            best = next(score.hit_ratio for score in told.scores if score.title == title)
        changed = msgspec.structs.replace(policy.spec, asked=given.asked, window=given.window)
        policy = TrainedPolicy(changed, policy.networks)
        tried = [*(alone(policy, name) for name in (*NETWORKS, *UNTRAINED)), policy]
        replays = [judged(start(one, room, seed), trace.requests) for one in tried]
        found.append([100 * (ratio - best) for ratio in replays])
    return title, list(np.mean(found, axis=0))


def lines(given: argparse.Namespace) -> Iterator[str]:
    """The rows of the table."""
    for trace, room in rooms(given):
        title, found = points(trace, room, given)
        told = "".join(f"{value:>+15.2f}" for value in found)
        yield f"{trace.info.name:14} {room.capacity:>7,}  {title:20}{told}"


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("traces", nargs="+")
    parser.add_argument("--only", nargs="+")
    parser.add_argument("--shares", nargs="+", type=float, default=[0.01, 0.1])
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--requests", type=int, default=600_000)
    parser.add_argument("--asked", type=int, default=4)
    parser.add_argument("--window", type=float, default=0.05)
    parser.add_argument("--kept", type=Path, default=ROOT / "data" / "learned")
    given = parser.parse_args()
    given.by_bytes = False
    names = "".join(f"{name:>15}" for name in (*NETWORKS, *UNTRAINED, "guard"))
    print(f"{'trace':14} {'holds':>7}  {'best classic':20}{names}")
    for line in lines(given):
        print(line, flush=True)
    print(f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")


if __name__ == "__main__":
    main()
