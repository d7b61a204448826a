"""The real app in a real browser: it comes alive, obeys its buttons, and leaves nothing behind."""

from __future__ import annotations

import contextlib
import itertools
import os
import signal
import sqlite3
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, sync_playwright

from dashboard.navigation import PAGES
from tests.browser.app import FLAGS, App, chromium

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

SERVICES = 7
"""Those of the sample, its origin and its traffic among them."""

PROCESSES = SERVICES + 2
"""Also the dashboard and the supervisor."""

GONE_WITHIN_S = 2.5
"""An engine that a dashboard started ends within two seconds; the rest is the machine's."""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    path = chromium()
    if path is None:
        if os.environ.get("CI"):
            pytest.fail("Chromium is missing; install it with: apt-get install chromium")
        pytest.skip("Chromium is missing; install it with: apt-get install chromium")
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield started
        started.close()


@pytest.fixture
def app(tmp_path: Path) -> Iterator[App]:
    started = App(tmp_path)
    try:
        started.wait_ready()
        yield started
    finally:
        started.clean()


def figure(page: Page, label: str) -> str:
    """The value of one headline figure."""
    card = page.get_by_test_id("stMetric").filter(has_text=label).first
    return card.get_by_test_id("stMetricValue").inner_text().strip()


def eventually(holds: Callable[[], bool], what: str, seconds: float = 45) -> None:
    """Wait until something holds."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if holds():
            return
        time.sleep(0.3)
    raise AssertionError(f"not within {seconds} s: {what}")


def in_state(page: Page, state: str) -> int:
    """How many services the table of services shows in a state."""
    return page.locator("table").first.locator("td:nth-child(2)").filter(has_text=state).count()


def depth(page: Page) -> float:
    """The headline's queue depth; -1 while there is none."""
    text = figure(page, "Queue depth").partition("/")[0].strip()
    return float(text) if text.isdigit() else -1.0


class Depths:
    """The recorded depths of the queue, second by second, from now on."""

    def __init__(self, app: App) -> None:
        self._file, self._since = app.data / "cachescope.sqlite3", time.time()

    def changed(self) -> bool:
        """Whether a second with predictions was followed by one without."""
        with contextlib.closing(sqlite3.connect(f"file:{self._file}?mode=ro", uri=True)) as store:
            query = "SELECT depth_max FROM queue_samples WHERE at >= ? ORDER BY at"
            found = [depth for (depth,) in store.execute(query, (self._since,))]
        return any(before > 0 and after == 0 for before, after in itertools.pairwise(found))


class Console:
    """What the browser's console warned of on a page, but for Streamlit's own connection."""

    def __init__(self, page: Page) -> None:
        self.warnings: list[str] = []
        page.on("console", self._hear)
        page.on("pageerror", lambda error: self.warnings.append(str(error)))

    def _hear(self, message: ConsoleMessage) -> None:
        # It asks for its health below the page's path first, and tells of each lost connection.
        own = "_stcore" in message.location.get("url", "") or any(
            words in message.text for words in ("WebSocket onclose", "when disconnected")
        )
        if message.type in {"warning", "error"} and not own:
            self.warnings.append(message.text)


def is_number(text: str) -> bool:
    return any(letter.isdigit() for letter in text)


def test_the_overview_moves_obeys_stop_and_start_and_ends_clean_on_sigterm(
    app: App, browser: Browser, tmp_path: Path
) -> None:
    page = browser.new_page(viewport={"width": 1440, "height": 1300})
    console = Console(page)
    page.goto(f"{app.url}/?refresh=1+s&window=1m")
    page.get_by_test_id("stMetric").first.wait_for(timeout=90_000)
    eventually(lambda: is_number(figure(page, "Hit ratio")), "a hit ratio")
    eventually(lambda: in_state(page, "running") == SERVICES, "all services running", 90)
    eventually(lambda: depth(page) > 0, "predictions on the queue")
    page.locator(
        "[data-testid=stVegaLiteChart] canvas, [data-testid=stVegaLiteChart] svg"
    ).first.wait_for()
    before = figure(page, "Hit ratio")
    eventually(lambda: figure(page, "Hit ratio") != before, "another hit ratio")
    depths = Depths(app)
    eventually(depths.changed, "queue depths that rise with a round and fall again")

    page.get_by_role("button", name="Stop all", exact=False).click()
    eventually(lambda: in_state(page, "stopped") == SERVICES, "all services stopped")
    page.get_by_text("All services are stopped.").wait_for()
    eventually(lambda: figure(page, "Queue depth") == "-", "no queue depth any more", 60)
    page.get_by_role("button", name="Start all services").click()
    eventually(lambda: in_state(page, "running") == SERVICES, "all services running again", 90)
    eventually(lambda: depth(page) > 0, "predictions on the queue again")

    assert console.warnings == []
    page.close()
    seen = browser.new_page(viewport={"width": 1440, "height": 1500}, color_scheme="light")
    console = Console(seen)
    for row in PAGES:
        path = "" if row is PAGES[0] else row.file
        look(seen, f"{app.url}/{path}?refresh=paused", tmp_path, row.file)
    assert console.warnings == []
    seen.close()
    left = app.stop(signal.SIGTERM, GONE_WITHIN_S)
    assert left == []


def look(page: Page, url: str, folder: Path, name: str) -> None:
    """Open one page, expect no error on it, and keep pictures under pytest's base folder."""
    page.emulate_media(color_scheme="light")
    page.goto(url)
    page.get_by_role("heading", level=1).wait_for(timeout=60_000)
    page.wait_for_timeout(3_000)
    assert page.get_by_test_id("stException").count() == 0
    assert page.get_by_test_id("stAlertContentError").count() == 0
    for theme in ("light", "dark"):
        page.emulate_media(color_scheme="dark" if theme == "dark" else "light")
        picture = folder / f"{name}-{theme}.png"
        page.screenshot(path=picture, animations="disabled", timeout=90_000)
        assert picture.stat().st_size > 20_000


def test_sigkill_of_the_dashboard_leaves_no_process_behind(app: App) -> None:
    eventually(lambda: len(app.processes()) >= PROCESSES, "every service has its process")
    assert app.stop(signal.SIGKILL, GONE_WITHIN_S) == []


def test_an_interrupt_ends_everything(app: App) -> None:
    eventually(lambda: len(app.processes()) >= PROCESSES, "every service has its process")
    assert app.stop(signal.SIGINT, GONE_WITHIN_S) == []
