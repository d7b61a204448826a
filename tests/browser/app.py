"""The real app as its own process on private folders, and the processes that belong to it."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import httpx
import psutil

from engine.settings import ROOT

CHROMIUM = "/usr/bin/chromium"
FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


def chromium() -> str | None:
    """Where the browser is, if there is one."""
    return CHROMIUM if Path(CHROMIUM).exists() else shutil.which("chromium")


def free_port() -> int:
    """A port that is free now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class App:
    """`streamlit run dashboard/Home.py`, started as a newcomer does, on folders of its own."""

    def __init__(self, folder: Path, **environment: str) -> None:
        self.folder = folder
        self.data = folder / "data"
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._log = (folder / "streamlit.log").open("wb")
        command = [sys.executable, "-m", "streamlit", "run", "dashboard/Home.py"]
        self.process = subprocess.Popen(
            [*command, "--server.port", str(self.port), "--server.fileWatcherType", "none"],
            cwd=ROOT,
            env={
                **{name: v for name, v in os.environ.items() if name != "PYTHONPATH"},
                "CACHESCOPE_DATA_DIR": str(self.data),
                "CACHESCOPE_LOG_DIR": str(folder / "logs"),
                "CACHESCOPE_API_PORT": "0",
                "CACHESCOPE_ORIGIN_PORT": "0",
                **environment,
            },
            stdout=self._log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )

    def wait_ready(self, seconds: float = 60) -> float:
        """Seconds until the engine answered behind the dashboard."""
        begun = time.monotonic()
        while time.monotonic() - begun < seconds:
            try:
                if httpx.get(f"{self.url}/api/ready", timeout=2).status_code == 200:
                    return time.monotonic() - begun
            except httpx.HTTPError:
                pass
            assert self.process.poll() is None, self.log()
            time.sleep(0.1)
        raise AssertionError(f"not ready after {seconds} s: {self.log()}")

    def wait_served(self, seconds: float = 60) -> None:
        """Wait until pages are served, with or without an engine."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            try:
                if httpx.get(f"{self.url}/_stcore/health", timeout=2).status_code == 200:
                    return
            except httpx.HTTPError:
                pass
            assert self.process.poll() is None, self.log()
            time.sleep(0.1)
        raise AssertionError(f"not served after {seconds} s: {self.log()}")

    def log(self) -> str:
        """What the dashboard printed."""
        return (self.folder / "streamlit.log").read_text(errors="replace")[-3000:]

    def processes(self) -> list[psutil.Process]:
        """Every process that works on this app's data folder, whoever its parent is."""
        found = []
        for process in psutil.process_iter():
            try:
                if process.environ().get("CACHESCOPE_DATA_DIR") == str(self.data):
                    found.append(process)
            except psutil.Error:
                continue
        return [one for one in found if one.status() != psutil.STATUS_ZOMBIE]

    def stop(self, number: signal.Signals, within_s: float) -> list[str]:
        """Send a signal; the command lines of what still lives `within_s` after the end."""
        self.process.send_signal(number)
        self.process.wait(10)
        deadline = time.monotonic() + within_s
        while (left := self.processes()) and time.monotonic() < deadline:
            time.sleep(0.05)
        return [" ".join(process.cmdline()) for process in left]

    def clean(self) -> None:
        """End whatever is left, by its own process id."""
        for process in self.processes():
            process.kill()
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait(10)
        self._log.close()
