"""Pages drawn without an engine: a store of demo rows, or an empty one, and a faked engine."""

from __future__ import annotations

import shutil
import sqlite3
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import streamlit as st
from sqlalchemy.engine import make_url
from streamlit.testing.v1 import AppTest

from dashboard import visitors
from dashboard.front import PEER
from db.migrations import migrate
from db.session import open_store
from engine import actions
from engine.errors import ControlError
from engine.settings import ROOT, load_settings
from tests.dashboard import demo, learned

ACTED = (
    "start_service",
    "stop_service",
    "restart_service",
    "start_all",
    "stop_all",
    "ensure_engine",
    "set_tunable",
    "start_job",
    "cancel_job",
)
MAIN = ROOT / "dashboard" / "main.py"


@dataclass
class FakeEngine:
    """Answers as the engine's actions do, and remembers what was asked."""

    running: bool = True
    asked: list[tuple[str, tuple[object, ...]]] = field(default_factory=list)
    refusal: str = ""
    states: tuple[str, ...] = ("running", "starting", "degraded", "standby", "stopped", "failed")
    late: str = ""
    """The state that all services are in from the second look after it was set."""
    looks: int = 0

    def status(self) -> dict[str, Any]:
        """One service of each state."""
        if not self.running:
            raise ControlError("No engine runs on this data folder.")
        services = [
            {
                "name": f"s-{state}",
                "title": f"Service {state}",
                "state": self._state(state),
                "since": time.time() - 90,
                "why": "because | of <tests>",
                "restarts": 1,
                "pid": 1,
            }
            for state in self.states
        ]
        about = {"pid": 1, "owner": "dashboard", "since": time.time() - 100, "state": "running"}
        about["writer"] = "engine-test"
        return {"engine": about, "services": services, "jobs": []}

    def _state(self, state: str) -> str:
        if not self.late:
            return state
        self.looks += 1
        # One look draws the buttons; a press looks again.
        return state if self.looks <= len(self.states) else self.late

    def act(self, name: str) -> Callable[..., object]:
        """An action that notes its call."""

        def called(*args: object, **_options: object) -> object:
            if self.refusal:
                raise ControlError(self.refusal)
            self.asked.append((name, args))
            return args[1] if name == "set_tunable" else None

        return called


class Visit:
    """The headers with which the session of a test came: by default from this machine."""

    def __init__(self) -> None:
        self.headers = {PEER: ["127.0.0.1"]}

    def get_all(self, name: str) -> list[str]:
        """All values of one header."""
        return self.headers.get(name.lower(), [])


@pytest.fixture(autouse=True)
def visit(monkeypatch: pytest.MonkeyPatch) -> Visit:
    """A session simulated by Streamlit has no connection, and so no headers of its own."""
    made = Visit()
    monkeypatch.setattr(visitors, "_headers", made.get_all)
    return made


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch) -> FakeEngine:
    fake = FakeEngine()
    monkeypatch.setattr(actions, "status", fake.status)
    for name in ACTED:
        monkeypatch.setattr(actions, name, fake.act(name))
    monkeypatch.setattr(actions, "queue_status", lambda: {"newest": [], "clock_error_ms": 0.0})
    monkeypatch.setattr(actions, "tail_log", lambda *_: ["2026-01-01T00:00:00.000Z INFO x y"])
    return fake


@pytest.fixture
def empty_store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A migrated store without rows; the pages' caches forget every other store."""
    from engine.actions.store import _loaded

    url = f"sqlite:///{tmp_path / 'pages.sqlite3'}"
    monkeypatch.setenv("DATABASE_URL", url)
    monkeypatch.setenv("CACHESCOPE_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("CACHESCOPE_LOG_DIR", str(tmp_path / "logs"))
    store = open_store(load_settings().database_url)
    migrate(store)
    store.dispose()
    for forget in (st.cache_data.clear, st.cache_resource.clear, _loaded.cache_clear):
        forget()
    yield url
    for forget in (st.cache_data.clear, st.cache_resource.clear, _loaded.cache_clear):
        forget()


class DemoFile:
    """A demo store, filled again before pages would call its rows old: a session may take long."""

    AHEAD_S = 240
    """Its rows reach this far into the future, so that they stay fresh through a slow test."""

    LEAST_S = 180
    """How long they are fresh at least when a test begins."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._filled = float("-inf")

    def fresh(self) -> Path:
        """The file, filled anew if its rows are nearly old."""
        now = time.time()
        if now - self._filled > self.AHEAD_S - self.LEAST_S:
            self._filled = now
            self._fill(now)
        return self._path

    @property
    def _path(self) -> Path:
        return self._folder / f"{self._filled:.0f}.sqlite3"

    def _fill(self, now: float) -> None:
        store = open_store(f"sqlite:///{self._path}")
        migrate(store)
        demo.fill(store, now=now + self.AHEAD_S, span_s=320 + self.AHEAD_S)
        store.dispose()
        with sqlite3.connect(self._path) as connection:
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")


@pytest.fixture(scope="session")
def demo_file(tmp_path_factory: pytest.TempPathFactory) -> DemoFile:
    """What `filled_store` copies: to fill a store for every test would take too long."""
    return DemoFile(tmp_path_factory.mktemp("demo"))


@pytest.fixture
def filled_store(empty_store: str, demo_file: DemoFile) -> str:
    """A store of some busy minutes."""
    target = Path(make_url(empty_store).database or "")
    for left in target.parent.glob(f"{target.name}*"):
        left.unlink()
    shutil.copy(demo_file.fresh(), target)
    learned.files(target.parent)
    return empty_store


def open_page(file: str) -> AppTest:
    """Draw one page as its first visitor sees it."""
    app = AppTest.from_file(str(MAIN), default_timeout=30)
    return app.switch_page(f"views/{file}.py").run()
