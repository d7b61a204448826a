"""What viewers cost: `python -m tests.benchmarks.viewers [--seconds 30] [--viewers 20]`.

Starts the real app on folders of its own and opens real sessions of the Overview over websockets,
each redrawn every two seconds as a browser asks for it. Prints the cores of the dashboard's process
with no viewer, with one and with all; what twenty cost beside twenty times one; and the resident
memory of the dashboard and of each of the engine's processes.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import signal
import tempfile
import time
from pathlib import Path

from dashboard.viewing import viewing, watch
from tests.benchmarks.live_pages_browser import cores
from tests.browser.app import App

WARM_S = 20.0
"""What follows a start is no steady state."""

SETTLE_S = 4.0
EVERY_S = 2.0
"""What pages ask for unless a person chooses otherwise; a busy machine redraws less often."""


async def watched(app: App, viewers: int, seconds: float) -> tuple[float, float]:
    """Cores of the dashboard while so many look on, and redraws a viewer and second."""
    async with contextlib.AsyncExitStack() as ends:
        opened = [await ends.enter_async_context(viewing(app.url)) for _ in range(viewers)]
        for one in opened:
            await one.draw()
            await one.until_drawn()
        looking = [asyncio.create_task(watch(one, seconds + 2 * SETTLE_S)) for one in opened]
        await asyncio.sleep(SETTLE_S)
        before = sum(one.drawn for one in opened)
        used = await asyncio.to_thread(cores, app, seconds)
        redrawn = sum(one.drawn for one in opened) - before
        await asyncio.gather(*looking)
    await asyncio.sleep(SETTLE_S)
    return used["dashboard"], redrawn / max(viewers, 1) / seconds


def memory(app: App) -> dict[str, float]:
    """Megabytes of each process by what it runs: resident, shared pages by their share."""
    found: dict[str, float] = {}
    for process in app.processes():
        words = [word for word in process.cmdline()[2:] if word.startswith(("engine.", "mock."))]
        name = "dashboard" if process.pid == app.process.pid else words[-1] if words else "other"
        found[name] = found.get(name, 0.0) + process.memory_full_info().pss / 1e6
    return found


def measure(seconds: float, viewers: int, folder: Path) -> None:
    """Start, look, print."""
    app = App(folder)
    try:
        app.wait_ready()
        time.sleep(WARM_S)
        alone, _ = asyncio.run(watched(app, 0, seconds))
        one, every = asyncio.run(watched(app, 1, seconds))
        one_mb = memory(app)["dashboard"]
        many, each = asyncio.run(watched(app, viewers, seconds))
        resident = memory(app)
        app.stop(signal.SIGTERM, 5)
    finally:
        app.clean()
    print(f"dashboard, no viewer              {alone:7.3f} cores")
    print(f"dashboard, one viewer             {one:7.3f} cores ({every:.2f} redraws a second)")
    print(f"dashboard, {viewers:3d} viewers            {many:7.3f} cores ({each:.2f} each)")
    if each:
        cost = many / (each * viewers)
        print(f"  the same, if none came late     {cost * viewers / EVERY_S:7.3f} cores")
    print(f"{viewers} viewers / one                {many / max(one, 1e-9):7.2f}")
    print(f"dashboard, one viewer             {one_mb:7.0f} MB")
    print(f"dashboard, {viewers:3d} viewers            {resident.pop('dashboard'):7.0f} MB")
    print(f"engine, all processes             {sum(resident.values()):7.0f} MB")
    for name, megabytes in sorted(resident.items(), key=lambda item: -item[1]):
        print(f"  {name:31} {megabytes:7.0f} MB")
    print(f"load average                      {os.getloadavg()[0]:7.2f}")


def main() -> None:
    """Parse and measure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=30.0)
    parser.add_argument("--viewers", type=int, default=20)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        measure(given.seconds, given.viewers, Path(folder))


if __name__ == "__main__":
    main()
