"""The real engine with all its services, on folders of its own, for tests that harm it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

from sqlalchemy import Engine
from sqlalchemy.engine import URL

from db import writes
from db.migrations import migrate
from db.session import open_store
from engine.services import SERVICES, chosen
from engine.settings import ROOT, load_settings
from tests.engine.stubs.running import RunningEngine, until

INTERVAL_S = 2
"""Rounds come faster than by default, so that a test need not wait for them."""


class Living(RunningEngine):
    """`python -m engine up` as an operator starts it; `close` leaves nothing behind."""

    def __init__(self, folder: Path, url: URL | str = "", **environment: str) -> None:
        self.environment = {
            **os.environ,
            "CACHESCOPE_DATA_DIR": str(folder / "data"),
            "CACHESCOPE_LOG_DIR": str(folder / "logs"),
            "CACHESCOPE_API_PORT": "0",
            "CACHESCOPE_ORIGIN_PORT": "0",
            "CACHESCOPE_SAMPLE_RATE": "40",
            **environment,
        }
        if isinstance(url, URL):
            url = url.render_as_string(hide_password=False)
        self.url = url or f"sqlite:///{folder}/store.sqlite3"
        self.environment["DATABASE_URL"] = self.url
        self.elsewhere = 0
        """Decisions that another engine made on the same store."""
        super().__init__(folder, *chosen(SERVICES, sample=True))
        self.settings = load_settings(
            DATABASE_URL=self.url,
            CACHESCOPE_DATA_DIR=str(folder / "data"),
            CACHESCOPE_LOG_DIR=str(folder / "logs"),
        )

    def launch(self, *, owned: bool = True) -> subprocess.Popen[str]:
        _ = owned
        return subprocess.Popen(
            [sys.executable, "-m", "engine", "up"],
            cwd=ROOT,
            env=self.environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def states(self) -> dict[str, str]:
        status = self.try_status()
        return {one["name"]: one["state"] for one in status["services"]} if status else {}

    def all_are(self, state: str = "running", seconds: float = 40.0) -> None:
        """Wait until every service is in a state."""
        try:
            until(lambda: set(self.states().values()) == {state}, seconds)
        except AssertionError:
            raise AssertionError(f"not all {state} within {seconds} s: {self.told()}") from None

    def told(self) -> list[tuple[str, str, str]]:
        status = self.try_status()
        return [(s["name"], s["state"], s["why"]) for s in status["services"]] if status else []

    def child(self, name: str) -> int:
        return int(self.service(name)["pid"] or 0)

    def children(self) -> dict[str, int]:
        status = self.try_status()
        assert status is not None
        return {one["name"]: one["pid"] for one in status["services"]}

    def harm(self, name: str, number: signal.Signals = signal.SIGKILL) -> int:
        """Send a signal to a service's process; returns its id."""
        pid = self.child(name)
        os.kill(pid, number)
        return pid

    def messages(self, name: str, since: float, kind: str = "") -> list[str]:
        """What the engine told of a service since a moment (epoch seconds)."""
        return [
            event["message"]
            for event in self.events(kind)
            if event["service"] == name and event["at"] >= since
        ]

    def tracebacks(self) -> dict[str, str]:
        """Logs that hold a traceback, which no fault may leave behind."""
        logs = {name: self.log(name) for name in (*SERVICES, "engine")}
        return {name: text[-3000:] for name, text in logs.items() if "Traceback" in text}


def prepared(url: URL | str) -> Engine:
    """A migrated store whose engine will make rounds quickly."""
    store = open_store(url)
    migrate(store)
    writes.set_tunable(store, "forecast.interval_s", INTERVAL_S, "test")
    return store
