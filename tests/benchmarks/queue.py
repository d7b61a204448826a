"""The queue's figures beside their alternatives, measured in one run.

`python -m tests.benchmarks.queue [--quick]`. Ratios count; microseconds depend on the machine.
"""

from __future__ import annotations

import argparse
import os
import statistics
import tempfile
from pathlib import Path

from tests.benchmarks import queue_calls, queue_delay
from tests.engine.broker.serving import Serving

PEERS = (
    ("lua", "batches of 100 / redis-py that tells the overwritten", ">= 1.5"),
    ("redis", "  the same / redis-py without that (RPUSH, LTRIM)", ""),
    ("backend", "  the same / our Redis backend (same promises)", ""),
)
"""The first is the like-for-like alternative: one call a batch, atomic, overwrites the oldest."""

Line = tuple[str, str, str, bool]
"""What, goal, figure, met."""


def main(arguments: list[str] | None = None) -> int:
    """Print the table; 1 when a goal is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a smoke run of some seconds")
    quick = parser.parse_args(arguments).quick
    with tempfile.TemporaryDirectory(prefix="cq") as name:
        folder = Path(name)
        unix = Serving(folder / "unix").start().wait_ready()
        address = f"tcp://127.0.0.1:{queue_delay.free_port()}"
        tcp = Serving(folder / "tcp", address).start().wait_ready()
        try:
            lines = measure(unix, tcp, folder, quick)
        finally:
            unix.close()
            tcp.close()
    width = max(len(line[0]) for line in lines)
    for what, goal, figure, met in lines:
        verdict = ("yes" if met else "NO") if goal else ""
        print(f"{what:<{width}}  {goal:<10} {figure:<44} {verdict}")
    print("load average", *(f"{load:.1f}" for load in os.getloadavg()))
    return 0 if all(line[3] for line in lines) else 1


def measure(unix: Serving, tcp: Serving, folder: Path, quick: bool) -> list[Line]:
    """All figures, one line each."""
    calls, rounds = (60, 2) if quick else (150, 15)
    pairs = queue_calls.round_trips(unix, folder, rounds, calls)
    ratio, figure = _ratio(pairs, "us")
    lines: list[Line] = [("put round trip / raw ping-pong", "<= 3", figure, ratio <= 3)]
    lines += _delays(unix, folder, 100 if quick else 300, 1 if quick else 5)
    rates = queue_calls.batches(unix, folder, rounds, calls // 5)
    for name, what, goal in PEERS:
        ratio, figure = _ratio(list(zip(rates["ours"], rates[name], strict=True)), "records/s")
        lines.append((what, goal, figure, not goal or ratio >= 1.5))
    for name, serving in (("Unix socket", unix), ("TCP", tcp)):
        worst, size = queue_calls.worst_jump(serving, calls // 5)
        figure = f"{worst:.2f} at {size} bytes"
        lines.append((f"worst step of cost per byte, {name}", "<= 3", figure, worst <= 3))
    for name, serving in (("Unix socket", unix), ("TCP", tcp)):
        served, seconds = queue_calls.crowd(serving, 300)
        figure = f"{served} in {seconds:.2f} s"
        lines.append((f"300 clients at once served, {name}", "300", figure, served == 300))
    return lines


def _delays(unix: Serving, folder: Path, count: int, rounds: int) -> list[Line]:
    raws, tutorials = [], []
    for _ in range(rounds):
        raw = queue_delay.median_us(queue_delay.raw(folder, count))
        ours = queue_delay.median_us(queue_delay.ours(unix, count))
        tutorial = queue_delay.median_us(queue_delay.tutorial(count))
        raws.append((ours, raw))
        tutorials.append((ours, tutorial))
    to_raw, raw_figure = _ratio(raws, "us")
    to_tutorial, tutorial_figure = _ratio(tutorials, "us")
    return [
        ("delay p50 at 500/s / raw socket", "<= 4", raw_figure, to_raw <= 4),
        (
            "delay p50 at 500/s / the tutorial's queue",
            "<= 0.33",
            tutorial_figure,
            3 * to_tutorial <= 1,
        ),
    ]


def _ratio(pairs: list[tuple[float, float]], unit: str) -> tuple[float, str]:
    """The median of the rounds' ratios: a neighbour's load weighs on both sides of each."""
    ratio = statistics.median(ours / theirs for ours, theirs in pairs)
    ours, theirs = (statistics.median(side) for side in zip(*pairs, strict=True))
    return ratio, f"{ratio:.2f}  ({ours:,.0f} / {theirs:,.0f} {unit})"


if __name__ == "__main__":
    raise SystemExit(main())
