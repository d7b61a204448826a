"""What the dashboard costs: `python -m tests.benchmarks.live_pages_browser [--seconds 30]`.

Starts the real app on folders of its own and measures, with no viewer and with one: seconds from
the start to the first drawn live chart, cores of the dashboard's process and of the whole system,
and the dashboard's memory. The ratio compares one viewer with none, in the same run.
"""

from __future__ import annotations

import argparse
import os
import signal
import tempfile
import time
from pathlib import Path

from playwright.sync_api import sync_playwright

from tests.browser.app import FLAGS, App, chromium

DRAWN = "[data-testid=stVegaLiteChart] canvas, [data-testid=stVegaLiteChart] svg"
MARKS = """() => [...document.querySelectorAll('[data-testid=stVegaLiteChart] svg path')]
    .some(path => (path.getAttribute('d') || '').length > 60)
    || document.querySelector('[data-testid=stVegaLiteChart] canvas') !== null"""


def cpu_seconds(app: App) -> dict[str, float]:
    """CPU time so far by kind of process: the dashboard and everything."""
    spent = {"dashboard": 0.0, "all": 0.0}
    for process in app.processes():
        times = process.cpu_times()
        spent["all"] += times.user + times.system
        if process.pid == app.process.pid:
            spent["dashboard"] += times.user + times.system
    return spent


def cores(app: App, seconds: float) -> dict[str, float]:
    """Cores in use over some seconds."""
    before, begun = cpu_seconds(app), time.monotonic()
    time.sleep(seconds)
    after, spent = cpu_seconds(app), time.monotonic() - begun
    return {kind: (after[kind] - before[kind]) / spent for kind in after}


def memory_mb(app: App) -> float:
    """Resident memory of the dashboard's process."""
    return next(
        process.memory_info().rss / 1e6
        for process in app.processes()
        if process.pid == app.process.pid
    )


def measure(seconds: float, folder: Path) -> None:
    """Start, look, print."""
    path = chromium()
    if path is None:
        raise SystemExit("Chromium is missing; install it with: apt-get install chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
        begun = time.monotonic()
        app = App(folder)
        try:
            ready = app.wait_ready()
            page = browser.new_page(viewport={"width": 1440, "height": 1200})
            page.goto(app.url)
            page.locator(DRAWN).first.wait_for(timeout=90_000)
            page.wait_for_function(MARKS, timeout=90_000)
            drawn = time.monotonic() - begun
            time.sleep(15)  # what follows a start is no steady state
            watched, memory = cores(app, seconds), memory_mb(app)
            page.close()
            time.sleep(3)
            alone = cores(app, seconds)
            left = app.stop(signal.SIGTERM, 2.5)
        finally:
            app.clean()
            browser.close()
    print(f"start to engine answering      {ready:6.1f} s")
    print(f"start to first live chart      {drawn:6.1f} s")
    print(f"dashboard memory, one viewer   {memory:6.0f} MB")
    print(f"dashboard, one viewer at 2 s   {watched['dashboard']:6.3f} cores")
    print(f"dashboard, no viewer           {alone['dashboard']:6.3f} cores")
    print(f"whole system, one viewer       {watched['all']:6.3f} cores")
    print(f"whole system, no viewer        {alone['all']:6.3f} cores")
    print(f"ratio with/without a viewer    {watched['all'] / max(alone['all'], 1e-9):6.2f}")
    print(f"processes left after SIGTERM   {len(left):6d}")
    print(f"load average                   {os.getloadavg()[0]:6.2f}")


def main() -> None:
    """Parse and measure."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=float, default=30.0)
    with tempfile.TemporaryDirectory() as folder:
        measure(parser.parse_args().seconds, Path(folder))


if __name__ == "__main__":
    main()
