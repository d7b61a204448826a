"""Seed, simulate, train, evaluate, export, decide: with curl alone, and by the README's compose."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from db.queries import system
from db.session import open_store
from engine.settings import ROOT
from tests.conftest import fresh_database
from tests.containers.demo import started
from tests.engine.stubs.running import until

pytestmark = pytest.mark.timeout(300)

STEPS = ("start the engine", "start job", "import trace", "promote model")
TOKEN = "secret" * 6


def address(folder: Path) -> str:
    """Where the engine on this folder answers, once all that it needs is up."""
    told = folder / "data" / "engine.json"
    until(told.exists, 60)
    return f"http://127.0.0.1:{json.loads(told.read_text())['api_port']}"


def run(script: Path, watch: str = "", **environment: str) -> tuple[str, bool]:
    """What a script printed, and whether `watch` ever stood in the list of processes."""
    process = subprocess.Popen(
        ["bash", str(script)],
        env={**os.environ, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    was_seen = False
    while process.poll() is None:
        for one in psutil.process_iter(["cmdline"]):
            was_seen |= bool(watch) and any(watch in word for word in one.info["cmdline"] or ())
        try:
            process.wait(0.05)
        except subprocess.TimeoutExpired:
            continue
    assert process.stdout is not None
    said = process.stdout.read()
    assert process.returncode == 0, said
    return said, was_seen


def test_with_curl_alone(tmp_path: Path) -> None:
    environment = {
        "CACHESCOPE_DATA_DIR": str(tmp_path / "data"),
        "CACHESCOPE_LOG_DIR": str(tmp_path / "logs"),
        "CACHESCOPE_API_PORT": "0",
        "CACHESCOPE_ORIGIN_PORT": "0",
        "CACHESCOPE_SAMPLE_RATE": "5",
        "CACHESCOPE_OPERATOR_TOKEN": TOKEN,
    }
    with started(["python", "-m", "engine", "up"], environment):
        url = address(tmp_path)
        script = ROOT / "examples" / "with_curl.sh"
        until(lambda: answers(url), 60)
        refused = subprocess.run(
            ["bash", str(script)],
            env={**os.environ, "CACHESCOPE_URL": url},
            capture_output=True,
            text=True,
            check=False,
        )
        assert refused.returncode == 1
        assert "POST /db/seed: 401" in refused.stderr
        said, was_seen = run(script, TOKEN, CACHESCOPE_URL=url, CACHESCOPE_TOKEN=TOKEN)
        assert not was_seen, "the token stood in the list of processes"
    assert [line.partition(":")[0] for line in said.splitlines()] == [
        "seed", "simulate", "import", "train", "evaluate", "export", "decide", "decisions",
    ]  # fmt: skip
    assert "of three requests" in said
    store = open_store(f"sqlite:///{tmp_path / 'data' / 'cachescope.sqlite3'}")
    asked = [row for row in system.audit(store) if row["who"].startswith("api operator ")]
    kinds = [row["params"]["kind"] for row in reversed(asked) if row["action"] == "start job"]
    assert kinds == ["seed", "simulate", "import", "evaluate", "export"] or "train" in kinds
    store.dispose()
    assert (tmp_path / "data" / "exports" / "with-curl" / "policy.onnx").is_file()


def answers(url: str) -> bool:
    """Whether the sample's origin and the API are up."""
    done = subprocess.run(
        ["curl", "-sS", f"{url}/services", "-H", f"Authorization: Bearer {TOKEN}"],
        capture_output=True,
        text=True,
        check=False,
    )
    found = json.loads(done.stdout) if done.returncode == 0 else []
    states = {one["name"]: one["state"] for one in found}
    return states.get("origin") == "running"
