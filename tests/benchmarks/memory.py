"""What the engine holds in memory: `python -m tests.benchmarks.memory [--seconds 60]`.

Starts the engine alone, with the sample and its live traffic, on folders of its own, and prints of
each of its processes, in megabytes (10^6 bytes):

- USS, what it alone holds: what its end would give back;
- PSS, that and its share of what several hold (code of Python and of libraries): these add up to
  what the engine takes of the machine, and are what is meant by "the memory of the engine";
- RSS, everything it can touch. Its sum counts each shared page once for every process.
"""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psutil

from engine.settings import ROOT

FOLDER = "CACHESCOPE_DATA_DIR"
READY_S = 30.0


def processes(data: Path) -> list[psutil.Process]:
    """Every process that works on this data folder."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.environ().get(FOLDER) == str(data):
                found.append(process)
        except psutil.Error:
            continue
    return [one for one in found if one.status() != psutil.STATUS_ZOMBIE]


def name_of(process: psutil.Process) -> str:
    """The module that a process runs."""
    words = [word for word in process.cmdline()[1:] if word.startswith(("engine.", "mock."))]
    return words[-1] if words else "other"


def memory(found: list[psutil.Process]) -> dict[str, tuple[float, float, float]]:
    """USS, PSS and RSS in megabytes of each process, by what it runs."""
    told = {}
    for process in found:
        full = process.memory_full_info()
        told[name_of(process)] = (full.uss / 1e6, full.pss / 1e6, full.rss / 1e6)
    return told


def table(told: dict[str, tuple[float, float, float]]) -> str:
    """The figures of every process, the dearest first, below those of all of them."""
    sums = tuple(sum(one[at] for one in told.values()) for at in range(3))
    rows = [("engine, all processes", sums), *sorted(told.items(), key=lambda one: -one[1][1])]
    lines = [f"{'MB':33} {'USS':>7} {'PSS':>7} {'RSS':>7}"]
    lines += [f"{name:33} {uss:7.1f} {pss:7.1f} {rss:7.1f}" for name, (uss, pss, rss) in rows]
    return "\n".join(lines)


def measure(seconds: float, folder: Path) -> str:
    """Start the engine, let it work, look, stop it."""
    data = folder / "data"
    own = {FOLDER: str(data), "CACHESCOPE_LOG_DIR": str(folder / "logs")}
    ports = {"CACHESCOPE_API_PORT": "0", "CACHESCOPE_ORIGIN_PORT": "0"}
    engine = subprocess.Popen(
        [sys.executable, "-m", "engine", "up"],
        cwd=ROOT,
        env={**os.environ, **own, **ports},
        stdout=subprocess.DEVNULL,
    )
    try:
        deadline = time.monotonic() + READY_S
        while not (data / "engine.json").exists():
            if engine.poll() is not None or time.monotonic() > deadline:
                raise SystemExit("The engine did not start.")
            time.sleep(0.1)
        time.sleep(seconds)
        return table(memory(processes(data)))
    finally:
        engine.send_signal(signal.SIGTERM)
        engine.wait(30)


def main() -> None:
    """Parse and measure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=60.0, help="of work before the look")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        print(measure(given.seconds, Path(folder)))
    print(f"load average {os.getloadavg()[0]:27.2f}")


if __name__ == "__main__":
    main()
