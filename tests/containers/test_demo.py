"""compose's services as processes, in its own environment, on a real MariaDB: the demo moves."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, func, select
from sqlalchemy.engine import URL
from sqlalchemy.exc import SQLAlchemyError

from db.session import open_store, reading
from db.tables import cache_metrics, sources
from engine.settings import ROOT
from tests.browser.app import free_port
from tests.conftest import fresh_database
from tests.containers.test_files import _default, composed
from tests.engine.stubs.running import until

COMMANDS = {
    "engine": ["-m", "engine", "up"],
    "dashboard": ["-m", "streamlit", "run", "dashboard/Home.py"],
}


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Engine]:
    with fresh_database("mariadb", tmp_path) as url:
        opened = open_store(url)
        yield opened
        opened.dispose()


def environment(service: str, url: URL, folder: Path, port: int) -> dict[str, str]:
    """What compose and the image give the service, but for addresses and folders."""
    given = {k: _default(v) for k, v in composed()["services"][service]["environment"].items()}
    given |= {"DB_HOST": str(url.host), "DB_PORT": str(url.port), "DB_NAME": str(url.database)}
    given |= {"DB_USER": str(url.username), "DB_PASSWORD": str(url.password or "")}
    given |= {
        "CACHESCOPE_DATA_DIR": str(folder / "data"),
        "CACHESCOPE_LOG_DIR": str(folder / "logs"),
    }
    given |= {"CACHESCOPE_API_PORT": "0", "CACHESCOPE_ORIGIN_PORT": "0"}
    if service == "dashboard":
        given |= {"CACHESCOPE_ATTACH_ONLY": "true", "STREAMLIT_SERVER_PORT": str(port)}
        given |= {"STREAMLIT_SERVER_FILE_WATCHER_TYPE": "none"}
    return {**os.environ, **given}


@contextlib.contextmanager
def started(service: str, *where: Any) -> Iterator[subprocess.Popen[bytes]]:  # noqa: ANN401
    process = subprocess.Popen(
        [sys.executable, *COMMANDS[service]],
        cwd=ROOT,
        env=environment(service, *where),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        yield process
    finally:
        process.terminate()
        process.wait(30)


def ready(port: int) -> tuple[int, dict[str, str]]:
    """Status and services as the dashboard tells them; 0 while it does not answer."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/api/ready", timeout=5) as answer:
            return 200, dict(json.load(answer)["services"])
    except urllib.error.HTTPError as error:
        return error.code, {}
    except OSError:
        return 0, {}


def asked(folder: Path, token: str) -> int:
    """What the engine's API answers to a question that is not for everybody."""
    port = json.loads((folder / "data" / "engine.json").read_text())["api_port"]
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    request = urllib.request.Request(f"http://127.0.0.1:{port}/status", headers=headers)
    try:
        with urllib.request.urlopen(request, timeout=5) as answer:  # noqa: S310
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code


def recorded(store: Engine) -> int:
    """Requests of the sample that lie in the store."""
    wanted = select(func.count()).select_from(
        cache_metrics.join(sources, sources.c.id == cache_metrics.c.source)
    )
    try:
        with reading(store) as connection:
            return int(connection.execute(wanted.where(sources.c.name == "sample")).scalar() or 0)
    except SQLAlchemyError:
        return 0


def test_the_demo_moves_and_its_dashboard_starts_no_engine(store: Engine, tmp_path: Path) -> None:
    port = free_port()
    with started("dashboard", store.url, tmp_path, port):
        with started("engine", store.url, tmp_path, port):
            first = until(lambda: recorded(store), 60)
            states = until(lambda: ready(port)[1], 30)
            assert {"collector", "forecaster", "agent", "origin", "traffic"} <= set(states)
            until(lambda: recorded(store) > first, 15)
            assert [asked(tmp_path, token) for token in ("", "x" * 36, "secret" * 6)] == [
                401,
                401,
                200,
            ]
        kept = recorded(store)
        assert ready(port) == (503, {}), "it attached, and started none of its own"
        assert recorded(store) == kept > 0, "nothing is lost, and nothing goes on"
