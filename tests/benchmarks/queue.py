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

Line = tuple[str, str, str, bool]
"""What, goal, figure, met."""


def main() -> int:
    """Print the table; 1 when a goal is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a smoke run of some seconds")
    quick = parser.parse_args().quick
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
    calls, rounds = (60, 1) if quick else (500, 7)
    lines: list[Line] = []
    put, ping = queue_calls.round_trips(unix, folder, rounds, calls)
    lines.append(
        ("put round trip / raw ping-pong", "<= 3", _ratio(put, ping, "us"), put <= 3 * ping)
    )
    lines += _delays(unix, folder, 100 if quick else 1000, 1 if quick else 3)
    rates = queue_calls.batches(unix, folder, rounds, calls // 3)
    ours, theirs, backend = rates["ours"], rates["redis"], rates["backend"]
    lua = rates["lua"]
    figure = _ratio(ours, theirs, "records/s")
    lines.append(("batches of 100 / redis-py, Unix socket", ">= 1.5", figure, ours >= 1.5 * theirs))
    figure = _ratio(ours, lua, "records/s")
    lines.append(("  the same / redis-py that tells the overwritten (Lua)", "", figure, True))
    figure = _ratio(ours, backend, "records/s")
    lines.append(("  the same / our Redis backend (same promises)", "", figure, True))
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
    medians: dict[str, list[float]] = {"raw": [], "ours": [], "tutorial": []}
    for _ in range(rounds):
        medians["raw"].append(queue_delay.median_us(queue_delay.raw(folder, count)))
        medians["ours"].append(queue_delay.median_us(queue_delay.ours(unix, count)))
        medians["tutorial"].append(queue_delay.median_us(queue_delay.tutorial(count)))
    raw, ours, tutorial = (statistics.median(medians[k]) for k in ("raw", "ours", "tutorial"))
    return [
        ("delay p50 at 500/s / raw socket", "<= 4", _ratio(ours, raw, "us"), ours <= 4 * raw),
        (
            "delay p50 at 500/s / the tutorial's queue",
            "<= 0.33",
            _ratio(ours, tutorial, "us"),
            3 * ours <= tutorial,
        ),
    ]


def _ratio(ours: float, theirs: float, unit: str) -> str:
    return f"{ours / theirs:.2f}  ({ours:,.0f} / {theirs:,.0f} {unit})"


if __name__ == "__main__":
    raise SystemExit(main())
