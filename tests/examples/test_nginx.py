"""A real nginx in front of the small app, its log followed live."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine, select

from db.session import reading
from db.tables import cache_metrics
from engine.records import Action
from engine.settings import ROOT, Settings
from examples.decisions import Decisions
from examples.nginx.app import make_server
from tests.engine.stubs.running import until
from tests.examples.decided import decide

CONFIGURATION = ROOT / "examples" / "nginx" / "nginx.conf"


def get(url: str) -> bytes:
    with urllib.request.urlopen(url, timeout=5) as answer:  # noqa: S310 - loopback
        return bytes(answer.read())


@pytest.fixture
def decisions(api: str) -> Decisions:
    return Decisions(api)


@pytest.fixture
def nginx(
    tmp_path: Path, decisions: Decisions, free_port: Callable[[], int]
) -> Iterator[tuple[str, Path]]:
    """Address and access log of an nginx that runs the example's configuration."""
    binary = shutil.which("nginx", path=f"{os.environ['PATH']}:/usr/sbin")
    if binary is None:
        if os.environ.get("CI"):
            pytest.fail("nginx is missing; apt-get install nginx-light")
        pytest.skip("no nginx (apt-get install nginx-light)")
    app = make_server(0, decisions)
    threading.Thread(target=app.serve_forever, daemon=True).start()
    port, folder = free_port(), tmp_path / "shop"
    (folder / "logs").mkdir(parents=True)
    (folder / "cache").mkdir()
    text = CONFIGURATION.read_text()
    for shown, ours in (("8080", port), ("8090", app.server_address[1])):
        assert text.count(shown) == 1
        text = text.replace(shown, str(ours))
    (folder / "nginx.conf").write_text(text)
    globals_ = "daemon off;" + (" user root;" if os.getuid() == 0 else "")
    command = [binary, "-p", str(folder), "-c", str(folder / "nginx.conf"), "-g", globals_]
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    address = f"http://127.0.0.1:{port}"

    def answers() -> bool:
        try:
            return bool(get(f"{address}/started"))
        except OSError:
            return False

    until(answers)
    yield address, folder / "logs" / "access.log"
    process.terminate()
    process.wait(10)
    app.shutdown()
    app.server_close()


def test_its_log_is_followed_and_its_cache_obeys(
    nginx: tuple[str, Path], own: Settings, own_store: Engine, decisions: Decisions
) -> None:
    address, log = nginx
    follower = subprocess.Popen(
        [sys.executable, "-m", "engine.traces.log_service"],
        cwd=ROOT,
        env={**os.environ, "SOURCE_LOG": str(log)},
        stderr=subprocess.DEVNULL,
    )
    try:
        for _ in range(3):
            get(f"{address}/prices/17")
        decide(own_store, "/reports", Action.DROP)
        assert decisions.refresh()
        for _ in range(2):
            get(f"{address}/reports/1")

        def recorded() -> list[tuple[str, bool, float]] | None:
            with reading(own_store) as connection:
                wanted = select(cache_metrics).order_by(cache_metrics.c.id)
                rows = connection.execute(wanted).mappings().all()
            told = [(r["cache_key"], bool(r["hit"]), float(r["load_time_ms"])) for r in rows]
            told = [row for row in told if row[0] != "/started"]
            return told if len(told) == 5 else None

        rows = until(recorded)
    finally:
        follower.terminate()
        follower.wait(10)
    prices, reports = rows[:3], rows[3:]
    assert [hit for _, hit, _ in prices] == [False, True, True]
    assert [hit for _, hit, _ in reports] == [False, False], "no-store was decided"
    assert prices[0][2] >= 20, "the app's own time"
    assert max(ms for _, hit, ms in prices if hit) < prices[0][2]
