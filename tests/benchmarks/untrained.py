"""Scorers that need no training, alone and under the guard, on other requests than are judged.

    python -m tests.benchmarks.untrained TRACES ... [--only orm] [--shares 0.001 0.01 0.1]
        [--seeds 2] [--requests 600000]

The trials behind the recipe's choices, so that none is made on what `tests.benchmarks.learned`
judges by default: the first half of each trace there, and of long traces every later stretch of the
same length. Each is warmed by its own first half and measured on its second. Figures are shares of
the way from the best classic in hindsight to the optimum, in percent, where there is more than a
point to go; "guard" has the experts alone, no networks.
"""

from __future__ import annotations

import argparse
import os
import statistics
from collections.abc import Iterator

import msgspec
import numpy as np

from engine.cache import POLICIES
from engine.cache.base import Policy, Room
from engine.cache.belady import Belady
from engine.cache.hybrid import index_policy, start
from engine.cache.scorers import EXPERTS, UNTRAINED
from engine.registry import resolve
from engine.settings import load_settings
from engine.traces.importing import open_trace
from engine.traces.trace import Requests
from engine.training.data import room_of
from engine.training.lifetime import lifetime
from engine.training.policy import TrainedPolicy
from tests.benchmarks.learned import LEAST_PLACES, OFFLINE, sources
from tests.benchmarks.parts import judged

NO_CLASSICS = (*OFFLINE, "never", "always")
LEAST_WAY = 0.01
"""Of hit ratio, from the best classic to the optimum: less says nothing in percent."""


def stretches(requests: Requests, length: int) -> Iterator[tuple[int, Requests]]:
    """Where each stretch that is not judged begins, and its requests with keys numbered anew."""
    yield 0, _numbered(requests.slice(0, min(length, len(requests)) // 2))
    for begin in range(length, len(requests) - length + 1, length):
        yield begin, _numbered(requests.slice(begin, begin + length))


def _numbered(requests: Requests) -> Requests:
    keys, first, place = np.unique(requests.key, return_index=True, return_inverse=True)
    number = np.empty(len(keys), np.int32)
    number[np.argsort(first)] = np.arange(len(keys))
    return Requests(
        requests.time,
        number[place],
        requests.group,
        requests.size,
        requests.cost,
        len(keys),
    )


def bounds(requests: Requests, room: Room) -> tuple[str, float, float]:
    """The best classic, what it hits, and what the optimum does."""
    found = {}
    for name in POLICIES:
        if name not in NO_CLASSICS:
            policy: Policy = resolve(POLICIES, name, "policy")()
            found[policy.title] = judged(policy.start(room, 0), requests)
    best = max(found, key=found.__getitem__)
    return best, found[best], judged(Belady().start_for(room, requests), requests)


def closed(requests: Requests, room: Room, seeds: int, best: float, optimum: float) -> list[float]:
    """Percent of the way for every scorer alone, then for the guard."""
    life = lifetime(requests.slice(0, len(requests) // 2), room)
    index = index_policy(room, life)
    tried = [
        *(msgspec.structs.replace(index.spec, algorithms={name: ""}) for name in UNTRAINED),
        msgspec.structs.replace(index.spec, algorithms={EXPERTS[0]: ""}, guard=True),
    ]
    shares = []
    for spec in tried:
        policy = TrainedPolicy(spec, {})
        hits = [judged(start(policy, room, seed), requests) for seed in range(seeds)]
        shares.append(100 * (statistics.mean(hits) - best) / (optimum - best))
    return shares


def lines(given: argparse.Namespace) -> Iterator[tuple[str, list[float]]]:
    """The rows of the table: what stands before the figures, and the figures."""
    for what in sources(given):
        opened = open_trace(what, load_settings())
        for begin, requests in stretches(opened.requests, given.requests):
            for share in given.shares:
                room = room_of(f"{100 * share}%", by_bytes=False, requests=requests)
                if room.capacity < LEAST_PLACES.get(share, 1):
                    continue
                title, best, optimum = bounds(requests, room)
                if optimum - best < LEAST_WAY:
                    continue
                told = f"{opened.info.name:14} {begin:>9,} {room.capacity:>7,}  {title:20}"
                yield told, closed(requests, room, given.seeds, best, optimum)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("traces", nargs="+")
    parser.add_argument("--only", nargs="+")
    parser.add_argument("--shares", nargs="+", type=float, default=[0.001, 0.01, 0.1])
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--requests", type=int, default=600_000)
    given = parser.parse_args()
    print(
        f"{'trace':14} {'from':>9} {'holds':>7}  {'best classic':20}"
        + "".join(f"{name:>15}" for name in (*UNTRAINED, "guard"))
    )
    found = []
    for told, shares in lines(given):
        found.append(shares)
        print(told + "".join(f"{share:>+15.1f}" for share in shares), flush=True)
    if found:
        means = np.mean(found, axis=0)
        print(f"{f'mean of {len(found)}':54}" + "".join(f"{share:>+15.1f}" for share in means))
        fixed = [at for at, name in enumerate(UNTRAINED) if name != "regression"]
        best = statistics.mean(max(shares[at] for at in fixed) for shares in found)
        print(f"the best fixed scorer of each row, in hindsight: {best:+.1f} on average")
    print(f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")


if __name__ == "__main__":
    main()
