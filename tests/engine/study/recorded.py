"""A small recorded history, and studies on it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from sqlalchemy import Engine

from db.queries import studies as known
from db.tables import cache_metrics
from db.writes import ensure_source, insert
from engine.actions.studies import create_study
from engine.settings import ROOT, Settings, load_settings

SOURCE = "recorded"
START = 1_750_032_000
MINUTES = 2


def settings_of(store: Engine, folder: Path) -> Settings:
    url = store.url.render_as_string(hide_password=False)
    return load_settings(DATABASE_URL=url, CACHESCOPE_DATA_DIR=str(folder))


def record(store: Engine, seconds: int = MINUTES * 60) -> int:
    """Requests of three endpoints: two keys of one are dear, those of another never come again."""
    source = ensure_source(store, SOURCE, "trace", "modelled")
    rows = []
    for number in range(seconds * 10):
        at = START + number / 10
        kind = number % 5
        name, key, cost = (
            ("/dear", f"/dear/{number % 4}", 80.0)
            if kind < 2
            else ("/cheap", f"/cheap/{number % 7}", 6.0)
            if kind < 4
            else ("/once", f"/once/{number}", 30.0)
        )
        hit = kind < 4 and number > 100 and number % 9 != 0
        rows.append(
            {
                "timestamp": at,
                "source": source,
                "writer": "w",
                "sequence": number,
                "cache_name": name,
                "cache_key": key,
                "hit": hit,
                "stale": hit and number % 4 == 0,
                "load_time_ms": 0.5 if hit else cost,
                "size_bytes": 900,
            }
        )
    return insert(store, cache_metrics, rows)


def make(settings: Settings, name: str = "s", **fields: object) -> dict[str, Any]:
    wanted = {
        "name": name,
        "vary": {"learning_rate": [0.05, 0.3], "discount": [0.0, 0.5]},
        "seeds": 2,
        "options": {"source": SOURCE, "minutes": MINUTES},
        **fields,
    }
    return create_study(wanted, "test", settings)


class WorkerProcess:
    """A worker as a person starts it; as `group` it leads a process group of its own."""

    def __init__(self, settings: Settings, name: str, *more: str, group: bool = False) -> None:
        environment = {
            **os.environ,
            "DATABASE_URL": settings.database_url.render_as_string(hide_password=False),
            "CACHESCOPE_DATA_DIR": str(settings.data_path),
        }
        self.process = subprocess.Popen(
            [sys.executable, "-m", "engine", "worker", "--study", name, *more],
            cwd=ROOT,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=group,
        )

    def kill(self) -> None:
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(5)

    def end(self, seconds: float = 60) -> str:
        try:
            told, _ = self.process.communicate(timeout=seconds)
        finally:
            if self.process.poll() is None:
                self.kill()
        return told


def wait_for(store: Engine, name: str, runs: int, seconds: float = 60) -> list[dict[str, Any]]:
    """Until a study has so many finished runs; their rows."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        found = known.all_objectives(store, name)
        if len(found) >= runs:
            return found
        time.sleep(0.02)
    raise AssertionError(f"{len(found)} runs after {seconds} s")
