from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from sqlalchemy import Engine
from sqlalchemy.engine import URL

from db.session import open_store

ROOT = Path(__file__).resolve().parents[2]


def environment(folder: Path, url: URL | None = None) -> dict[str, str]:
    """The environment of a process with data of its own."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("CACHESCOPE_", "DB_"))}
    kept.pop("DATABASE_URL", None)
    kept |= {
        "CACHESCOPE_DATA_DIR": str(folder / "data"),
        "CACHESCOPE_LOG_DIR": str(folder / "logs"),
        "CACHESCOPE_API_PORT": "0",
        "CACHESCOPE_ORIGIN_PORT": "0",
        "CACHESCOPE_SAMPLE_DAY_S": "24",
    }
    if url is not None:
        kept["DATABASE_URL"] = url.render_as_string(hide_password=False)
    return kept


@dataclass
class RunningOrigin:
    """A real origin process, where it listens, and its store."""

    process: subprocess.Popen[str]
    address: str
    store: Engine
    environment: dict[str, str]

    def stop(self) -> float:
        """Stop it as the supervisor does; returns the seconds that took."""
        begun = time.monotonic()
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(5)
        return time.monotonic() - begun


def wait_for(condition: Callable[[], bool], seconds: float = 10.0) -> bool:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if condition():
            return True
        time.sleep(0.05)
    return condition()


def start_origin(variables: dict[str, str], url: URL) -> RunningOrigin:
    process = subprocess.Popen(
        [sys.executable, "-m", "mock.origin"],
        cwd=ROOT,
        env=variables,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    said = ""
    for line in process.stderr:
        said += line
        if found := re.search(r"listens on (http://\S+)", line):
            address = found[1]
            break
    else:
        pytest.fail(f"the origin did not start: {said}")
    assert wait_for(lambda: _answers(address))
    return RunningOrigin(process, address, open_store(url), variables)


def _answers(address: str) -> bool:
    try:
        return httpx.get(f"{address}/health").status_code in (200, 503)
    except httpx.HTTPError:
        return False


@pytest.fixture
def origin(tmp_path: Path) -> Iterator[RunningOrigin]:
    """A real origin on a SQLite store of its own."""
    url = URL.create("sqlite", database=str(tmp_path / "store.sqlite3"))
    running = start_origin(environment(tmp_path, url), url)
    yield running
    running.process.kill()
    running.process.wait(5)
    running.store.dispose()
