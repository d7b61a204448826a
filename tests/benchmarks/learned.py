"""The learned policy beside every classic, over recorded traces, cache sizes and seeds.

    python -m tests.benchmarks.learned TRACES ... [--only web12 orm-busy] [--shares 0.001 0.01 0.1]
        [--seeds 5] [--requests 600000] [--objective hits] [--by-bytes] [--kept data/learned]

Every cell (a trace and a size) is trained by the default recipe on the first half and judged on the
second with a warm cache. The figure that counts is the objective's: hit ratio, load time saved
(`cost`) or byte hit ratio (`bytes`). "Best classic" is the best of all of them in hindsight, on
those very requests; 3L-Cache and Cacheus of libcachesim stand among them where hits of equal
results count. Room is what the optimum (with costs or sizes: the better of the offline references,
no bound) is ahead of it; the figures are points of the figure that counts, the interval is over
time (block bootstrap), for the mean of the seeds. Trained policies and finished cells are kept, by
the digests of trace and code, so that the command goes on where it was stopped.
"""

from __future__ import annotations

import argparse
import os
import statistics
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec

from engine.cache.base import Room
from engine.settings import ROOT, load_settings
from engine.traces.importing import open_trace
from engine.traces.trace import Requests, Trace
from engine.training.data import room_of
from engine.training.evaluation import evaluate
from engine.training.options import TrainOptions
from tests.benchmarks.kept import code_digest, name_of, trained
from tests.engine.cache.libcachesim import hit_ratio, written

LEAST_PLACES = {0.001: 100}
"""Share of the distinct keys -> the size from which on it is worth a cell."""
OFFLINE = ("belady", "belady-value")
OTHERS = {"3L-Cache": "ThreeLCache", "Cacheus": "Cacheus"}
"""Learned policies of libcachesim; they know hits alone, and count results alone."""


class Cell(msgspec.Struct, frozen=True, kw_only=True):
    """A trace at a size: what was trained and found."""

    trace: str
    capacity: int
    classic: str
    best: float
    learned: float
    seeds: tuple[float, ...]
    low: float
    high: float
    optimum: float
    train_s: float
    us_per_request: float
    us_per_decision: float

    @property
    def room(self) -> float:
        """Points from the best classic to the optimum."""
        return 100 * (self.optimum - self.best)

    @property
    def ahead(self) -> float:
        """Points of the mean seed over the best classic."""
        return 100 * (self.learned - self.best)

    @property
    def worst(self) -> float:
        """Points of the worst seed over the best classic."""
        return 100 * (min(self.seeds) - self.best)


def others(requests: Requests, capacity: int) -> dict[str, float]:
    """Hit ratios of libcachesim's learned policies on the second half, the first one warming."""
    half = len(requests) // 2
    found = {}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        whole, first = folder / "whole", folder / "first"
        whole.mkdir()
        first.mkdir()
        paths = written(requests, whole), written(requests.slice(0, half), first)
        for title, policy in OTHERS.items():
            all_of, warm = (hit_ratio(policy, path, capacity, {}) for path in paths)
            hits = all_of * len(requests) - warm * half
            found[title] = hits / (len(requests) - half)
    return found


def measured(trace: Trace, capacity: int, given: argparse.Namespace) -> Cell:
    """Train and judge one cell."""
    options = TrainOptions(cache_size=capacity, by_bytes=given.by_bytes, objective=given.objective)
    runs = [
        trained(trace, msgspec.structs.replace(options, seeds=(seed,)), given.kept)
        for seed in range(given.seeds)
    ]
    found = evaluate(trace, [policy for policy, _ in runs])
    verdict = found.verdicts[0]
    by_title = {score.title: score for score in found.scores}
    learned, best = by_title["Learned"], by_title[verdict.best_classic]
    rivals = {best.title: getattr(best, found.metric)}
    if found.metric == "hit_ratio" and not given.by_bytes:
        rivals |= others(trace.requests, capacity)
    classic = max(rivals, key=rivals.__getitem__)
    moved = rivals[classic] - rivals[best.title]
    return Cell(
        trace=trace.info.name,
        capacity=capacity,
        classic=classic,
        best=rivals[classic],
        learned=getattr(learned, found.metric),
        seeds=learned.seeds,
        low=100 * (verdict.lead_low - moved),
        high=100 * (verdict.lead_high - moved),
        optimum=max(getattr(s, found.metric) for s in found.scores if s.policy in OFFLINE),
        train_s=statistics.mean([seconds for _, seconds in runs]),
        us_per_request=learned.us_per_request,
        us_per_decision=learned.us_per_decision,
    )


def cells(given: argparse.Namespace) -> Iterator[Cell]:
    """Every cell, kept or measured now, in order of trace and size."""
    given.kept.mkdir(parents=True, exist_ok=True)
    code = code_digest()
    for trace, room in rooms(given):
        yield _kept(trace, room.capacity, given, code)


def rooms(given: argparse.Namespace) -> Iterator[tuple[Trace, Room]]:
    """Every trace with every size that is worth a cell."""
    for what in sources(given):
        opened = open_trace(what, load_settings())
        requests = opened.requests.slice(0, min(len(opened.requests), given.requests))
        trace = Trace(opened.info, requests, opened.key_texts)
        for share in given.shares:
            room = room_of(f"{100 * share}%", given.by_bytes, requests)
            if given.by_bytes or room.capacity >= LEAST_PLACES.get(share, 1):
                yield trace, room


def sources(given: argparse.Namespace) -> Iterator[str]:
    """Files of the folders given, and whatever else was given: files, names of stored traces."""
    for what in given.traces:
        if not Path(what).is_dir():
            yield what
            continue
        for path in sorted(Path(what).iterdir()):
            if path.suffix != ".md" and (not given.only or path.name.startswith(tuple(given.only))):
                yield str(path)


def _kept(trace: Trace, capacity: int, given: argparse.Namespace, code: str) -> Cell:
    asked = [len(trace.requests), capacity, given.seeds, given.objective, given.by_bytes]
    file = given.kept / f"{name_of(trace.info.digest, asked, code)}.json"
    if file.exists():
        return msgspec.json.decode(file.read_bytes(), type=Cell)
    cell = measured(trace, capacity, given)
    file.write_bytes(msgspec.json.encode(cell))
    return cell


def line(cell: Cell) -> str:
    """A row of the table."""
    closed = f"{100 * cell.ahead / cell.room:+7.1f} %" if cell.room > 0 else f"{'-':>9}"
    return (
        f"{cell.trace:14} {cell.capacity:>7,}  {cell.classic:20} {cell.best:.4f}   "
        f"{cell.learned:.4f}  {min(cell.seeds):.4f}-{max(cell.seeds):.4f}  "
        f"{cell.ahead:+6.2f}  {cell.low:+6.2f} to {cell.high:+5.2f}  {cell.worst:+6.2f}  "
        f"{cell.optimum:.4f} {closed}  {cell.train_s:5.0f} {cell.us_per_request:7.1f} "
        f"{cell.us_per_decision:7.1f}"
    )


def summary(found: Sequence[Cell]) -> str:
    """What all cells come to."""
    with_room = [cell for cell in found if cell.room > 2]
    closed = statistics.mean([c.ahead / c.room for c in with_room]) if with_room else float("nan")
    worst = min(found, key=lambda cell: cell.worst)
    ahead = sum(cell.ahead > 0 for cell in found)
    return (
        f"ahead of the best classic in {ahead} of {len(found)} cells; on average "
        f"{statistics.mean([c.ahead for c in found]):+.2f} points; worst seed of any cell "
        f"{worst.worst:+.2f} ({worst.trace} at {worst.capacity:,}); "
        f"{100 * closed:+.1f} % of the way to the optimum over {len(with_room)} cells with more "
        f"than 2 points of room"
    )


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "traces", nargs="+", help="folders, files of any format that import reads, stored traces"
    )
    parser.add_argument("--only", nargs="+", help="beginnings of file names")
    parser.add_argument("--shares", nargs="+", type=float, default=[0.001, 0.01, 0.1])
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--requests", type=int, default=600_000, help="first ones of each trace")
    parser.add_argument("--objective", default="hits", help="hits, cost or bytes")
    parser.add_argument("--by-bytes", action="store_true", help="shares and capacities in bytes")
    parser.add_argument("--kept", type=Path, default=ROOT / "data" / "learned")
    given = parser.parse_args()
    print(
        f"{'trace':14} {'holds':>7}  {'best classic':20} {'':6}   {'learned':7} {'its seeds':>14}  "
        f"{'ahead':>6}  {'95 % over time':>15}  {'worst':>6}  {'optimum':7} {'closed':>8}  "
        f"{'train':>5} {'us/req':>7} {'us/dec':>7}"
    )
    found = []
    for cell in cells(given):
        found.append(cell)
        print(line(cell), flush=True)
    if found:
        print(summary(found))
    print(f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")


if __name__ == "__main__":
    main()
