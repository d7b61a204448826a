"""What the API carries: `python -m tests.benchmarks.api`.

Status calls beside a running training, and rows decided in batches beside one at a time. Server,
engine and store are the benchmark's own; nothing of a running engine is touched.
"""

from __future__ import annotations

import argparse
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import numpy as np

from db.migrations import migrate
from db.session import open_store
from engine.models import registry
from engine.settings import ROOT, Settings
from engine.traces.trace import save
from engine.training.job import NICENESS
from tests.engine.models.trained import policy
from tests.engine.stubs.running import RunningEngine, stub
from tests.engine.training import generated

FEATURES, BATCH = 24, 1000
GOAL_MS, GOAL_ROWS = 20.0, 50_000.0


@contextmanager
def served(folder: Path) -> Iterator[tuple[httpx.Client, dict[str, str]]]:
    """A client of an API process over an engine of stubs, and that process' environment."""
    engine = RunningEngine(folder, stub("queue"), stub("agent"))
    settings: Settings = engine.settings
    store = open_store(settings.database_url)
    migrate(store)
    registry.register(store, settings, policy(), {}, {}, name="first")
    made = generated.trace(generated.requests(200_000, distinct=20_000), name="made")
    save(made, settings.data_path / "traces" / "made")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    environment = {
        **os.environ,
        "CACHESCOPE_DATA_DIR": str(settings.data_path),
        "CACHESCOPE_LOG_DIR": str(settings.log_path),
        "CACHESCOPE_API_RATE": "1000000",
    }
    told = ("engine.api:app", "--port", str(port), "--log-level", "critical")
    server = subprocess.Popen([sys.executable, "-m", "uvicorn", *told], cwd=ROOT, env=environment)
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=60) as client:
            _until_it_answers(client)
            yield client, environment
    finally:
        server.terminate()
        server.wait(10)
        engine.close()


@contextmanager
def training(environment: dict[str, str]) -> Iterator[None]:
    """A training in a process of its own, as polite as a job."""
    asked = ("train", "made", "--algorithm", "ppo", "--timesteps", "100000000", "--no-evaluation")
    job = subprocess.Popen(
        ["nice", "-n", str(NICENESS), sys.executable, "-m", "engine", *asked],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        time.sleep(15)  # past its imports, into the learning
        assert job.poll() is None, "the training ended before it was measured"
        yield
        assert job.poll() is None, "the training ended while it was measured"
    finally:
        job.kill()
        job.wait(10)


def p95_ms(call: Callable[[], httpx.Response], count: int) -> float:
    """The 95th percentile of so many calls, ten a second at most, in ms."""
    spent = []
    for _ in range(count):
        begun = time.perf_counter()
        call().raise_for_status()
        spent.append((time.perf_counter() - begun) * 1000)
        time.sleep(0.05)
    return float(np.percentile(spent, 95))


def rows_per_s(client: httpx.Client, batch: int, seconds: float) -> float:
    """Rows decided a second in calls of `batch` rows."""
    rows = np.random.default_rng(0).normal(size=(batch, FEATURES)).round(4).tolist()
    content = httpx.Request("POST", "http://x", json={"rows": rows}).content
    done, begun = 0, time.perf_counter()
    while time.perf_counter() - begun < seconds:
        client.post("/models/1/decide", content=content).raise_for_status()
        done += batch
    return done / (time.perf_counter() - begun)


def _until_it_answers(client: httpx.Client) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            client.get("/health").raise_for_status()
        except httpx.TransportError:
            time.sleep(0.1)
        else:
            return
    raise TimeoutError("the API did not come up within 60 s")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--calls", type=int, default=200, help="status calls each")
    parser.add_argument("--seconds", type=float, default=5.0, help="of deciding each")
    given = parser.parse_args()
    load = os.getloadavg()[0]
    print(f"{os.cpu_count()} cores, load average {load:.1f} at the start")
    with tempfile.TemporaryDirectory() as folder, served(Path(folder)) as (client, environment):
        rows_per_s(client, BATCH, 0.5)  # the model is loaded with its first rows
        single = rows_per_s(client, 1, given.seconds)
        many = rows_per_s(client, BATCH, given.seconds)
        print(
            f"decide: {single:,.0f} rows/s one at a time, {many:,.0f} rows/s in batches of {BATCH}:"
            f" {many / single:.0f} times (goals: 100 times, {GOAL_ROWS:,.0f} rows/s)"
        )
        alone = p95_ms(lambda: client.get("/status"), given.calls)
        with training(environment):
            beside = p95_ms(lambda: client.get("/status"), given.calls)
        print(
            f"status: p95 {alone:.1f} ms alone, {beside:.1f} ms beside a training:"
            f" {beside / alone:.2f} times (goals: 2 times, {GOAL_MS:g} ms)"
        )


if __name__ == "__main__":
    main()
