"""Seed, simulate, train, evaluate, export, decide: with curl alone, and by the README's compose."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from db.queries import system
from db.session import open_store
from engine.settings import ROOT
from tests.conftest import fresh_database
from tests.containers.demo import TOKEN, Demo, started
from tests.engine.stubs.running import until

pytestmark = pytest.mark.timeout(300)

QUIET = {"CACHESCOPE_SAMPLE_RATE": "5"}
DOCKER = """#!/usr/bin/env bash
# Stands for Docker: the services run by hand, and what is to run inside runs beside them.
set -eu
echo "$*" >> "$SAID"
case "$2" in
  up) ;;
  exec) [[ "$3 $4 $5" == "-T engine python" ]]; shift 5; exec "$PYTHON" "$@" ;;
  *) exit 64 ;;
esac
"""


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
        "CACHESCOPE_OPERATOR_TOKEN": TOKEN,
        **QUIET,
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
    assert kinds == ["seed", "simulate", "import", "train", "evaluate", "export"]
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


def shown() -> list[str]:
    """The commands of the README's section on containers, without comments."""
    section = (ROOT / "README.md").read_text().partition("## For a team")[2]
    (block,) = re.findall(r"```bash\n(.*?)```", section.partition("\n## ")[0], re.DOTALL)
    return [re.sub(r"\s+# .*", "", line) for line in block.splitlines()]


def test_the_script_does_what_the_readme_shows() -> None:
    script = (ROOT / "examples" / "with_compose.sh").read_text()
    same = script.replace("exec -T ", "exec ").replace('"$model"', "1").replace("$model", "1")
    same = (
        same.replace("${API_PORT:-8000}", "8000")
        .replace('"http', "http")
        .replace('decide"', "decide")
    )
    for line in shown():
        words = line.removeprefix("curl ")
        only_shown = ("docker compose exec engine python -m engine models", "docker compose down")
        assert words in same or line in only_shown, line


def test_by_the_commands_of_compose(tmp_path: Path) -> None:
    root = tmp_path / "root"
    (root / "examples").mkdir(parents=True)
    script = root / "examples" / "with_compose.sh"
    script.write_text((ROOT / "examples" / "with_compose.sh").read_text())
    (root / ".env").write_text(f"API_TOKEN={TOKEN}\nMARIADB_PASSWORD={TOKEN}\n")
    programs = tmp_path / "programs"
    programs.mkdir()
    (programs / "docker").write_text(DOCKER)
    (programs / "docker").chmod(0o755)
    with fresh_database("mariadb", tmp_path) as url:
        demo = Demo(url, tmp_path, further=QUIET)
        with demo.started("engine", "origin", "traffic"):
            until(demo.api, 60)
            until(lambda: healthy(f"http://127.0.0.1:{demo.origin}/health"), 60)
            said, was_seen = run(
                script,
                TOKEN,
                **demo.environment("engine"),
                PATH=f"{programs}:{os.environ['PATH']}",
                PYTHON=sys.executable,
                PYTHONPATH=str(ROOT),
                SAID=str(tmp_path / "said"),
                API_PORT=demo.api().rpartition(":")[2],
            )
        assert not was_seen, "the token stood in the list of processes"
        assert '"hit_ratio":0.5' in said
        store = open_store(url)
        done = {(row["action"], row["result"]) for row in system.audit(store)}
        store.dispose()
    assert {("start the engine", "done"), ("import trace", "done")} <= done
    called = (tmp_path / "said").read_text().splitlines()
    assert called[0] == "compose up --build --wait"
    assert len(called) == 8


def healthy(url: str) -> bool:
    """Whether the origin answers."""
    return subprocess.run(["curl", "-sf", url], capture_output=True, check=False).returncode == 0
