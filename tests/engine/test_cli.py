"""The real command line with the real table of services."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from engine import control
from engine.errors import ControlError
from engine.settings import ROOT, Settings
from tests.engine.stubs.running import is_alive, until

DASHBOARD = """
import sys, time
from engine import actions
print(actions.ensure_engine()["engine"]["pid"], flush=True)
print(actions.ensure_engine()["engine"]["pid"], flush=True)
sys.stdin.read()
"""


class Terminal:
    """A person's shell with a data folder of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.settings = Settings(data_dir=folder / "data", log_dir=folder / "logs")
        self.environment = {
            **os.environ,
            "CACHESCOPE_DATA_DIR": str(folder / "data"),
            "CACHESCOPE_LOG_DIR": str(folder / "logs"),
            "CACHESCOPE_API_PORT": "0",
            "CACHESCOPE_ORIGIN_PORT": "0",
            "CACHESCOPE_SAMPLE": "false",
        }
        self.pids: set[int] = set()
        self.started: list[subprocess.Popen[str]] = []

    def run(self, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "engine", *words],
            cwd=ROOT,
            env=self.environment | environment,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    def popen(self, *words: str) -> subprocess.Popen[str]:
        self.started.append(
            subprocess.Popen(
                [sys.executable, *words],
                cwd=ROOT,
                env=self.environment,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                text=True,
            )
        )
        return self.started[-1]

    def status(self) -> dict[str, Any] | None:
        try:
            status: dict[str, Any] = control.call(self.settings, "status")
        except ControlError:
            return None
        self.pids |= {s["pid"] for s in status["services"] if s["pid"]} | {status["engine"]["pid"]}
        return status

    def states(self) -> dict[str, str]:
        status = self.status()
        return {s["name"]: s["state"] for s in status["services"]} if status else {}

    def nothing_left(self) -> bool:
        return not any(map(is_alive, self.pids))

    def close(self) -> None:
        for process in self.started:
            process.kill()
            process.communicate()
        self.status()
        for pid in filter(is_alive, self.pids):
            os.kill(pid, signal.SIGKILL)


@pytest.fixture
def terminal(tmp_path: Path) -> Iterator[Terminal]:
    terminal = Terminal(tmp_path)
    yield terminal
    terminal.close()


def line(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def test_a_whole_life_from_up_to_down(terminal: Terminal) -> None:
    up = terminal.run("up", "--detach")
    assert up.returncode == 0, up.stderr
    until(lambda: terminal.states().get("queue") == "running", 40)
    until(lambda: terminal.states().get("api") == "running", 40)
    assert "queue" in terminal.run("status").stdout
    assert terminal.run("stop", "queue").returncode == 0
    assert terminal.states()["queue"] == "stopped"
    assert terminal.run("start", "queue").returncode == 0
    until(lambda: terminal.states()["queue"] == "running", 40)
    assert "Serving" in terminal.run("logs", "queue").stdout
    assert terminal.run("tune", "agent.hold", "on").stdout == "agent.hold = True\n"
    assert "is 'perhaps'" in terminal.run("tune", "agent.hold", "perhaps").stderr
    assert terminal.run("jobs").stdout == "No job has run yet.\n"
    doctor = terminal.run("doctor")
    assert doctor.returncode == 0, doctor.stdout
    assert "revision" in doctor.stdout
    assert terminal.run("up").returncode == 3
    assert terminal.run("down").returncode == 0
    until(terminal.nothing_left, 5)
    with sqlite3.connect(terminal.folder / "data" / "cachescope.sqlite3") as store:
        acts = [row[0] for row in store.execute("SELECT action FROM audit ORDER BY id")]
    assert acts == [
        "start the engine", "stop service", "start service", "set tunable", "stop the engine",
    ]  # fmt: skip


def test_a_detached_start_that_fails_says_why(terminal: Terminal) -> None:
    ended = terminal.run("up", "--detach", DATABASE_URL="mysql://me:secret@127.0.0.1:9/none")
    assert ended.returncode == 2
    assert "127.0.0.1" in ended.stderr
    assert ended.stderr.count("\n") == 1


def test_ctrl_c_on_a_foreground_engine_leaves_nothing(terminal: Terminal) -> None:
    up = terminal.popen("-m", "engine", "up")
    until(lambda: terminal.states().get("queue") == "running", 40)
    up.send_signal(signal.SIGINT)
    assert up.wait(15) == 0
    until(terminal.nothing_left, 5)


def test_two_dashboards_at_once_share_one_engine_that_ends_with_its_owner(
    terminal: Terminal,
) -> None:
    dashboards = [terminal.popen("-c", DASHBOARD) for _ in range(2)]
    pids = {line(dashboard) for dashboard in dashboards} | {line(d) for d in dashboards}
    assert len(pids) == 1
    status = until(terminal.status, 20)
    assert status["engine"]["owner"] == "dashboard"
    for dashboard in dashboards:
        dashboard.kill()
    killed = time.monotonic()
    until(terminal.nothing_left, 6)
    assert time.monotonic() - killed < 3


def test_a_dashboard_attaches_to_an_engine_and_leaves_it_running(terminal: Terminal) -> None:
    assert terminal.run("up", "--detach").returncode == 0
    status = until(terminal.status, 20)
    dashboard = terminal.popen("-c", DASHBOARD)
    assert line(dashboard) == str(status["engine"]["pid"])
    dashboard.kill()
    dashboard.wait(5)
    # Asked over a second connection after the owner's end of file, had there been one.
    again = [terminal.status() for _ in range(10)]
    assert all(found and found["engine"]["owner"] == "terminal" for found in again)
    assert all(found and found["engine"]["state"] == "running" for found in again)
    assert terminal.run("down").returncode == 0


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("status",), 2, "No engine runs on this data folder"),
        (("down",), 2, "No engine runs on this data folder"),
        (("tune", "agent.learning_rat", "1"), 2, "There is no tunable"),
        (("jobs", "zzz"), 2, "'zzz' is a parameter of no job; write --start KIND before it"),
        (("logs", "nobody"), 2, "There is no log of 'nobody'"),
    ],
)
def test_what_cannot_be_done_is_one_sentence(
    terminal: Terminal, words: tuple[str, ...], code: int, said: str
) -> None:
    ended = terminal.run(*words)
    assert ended.returncode == code
    assert said in ended.stderr
    assert "Traceback" not in ended.stderr


@pytest.mark.parametrize("setting", ["CACHESCOPE_LOG_DIR", "CACHESCOPE_DATA_DIR"])
@pytest.mark.parametrize("words", [("up",), ("up", "--detach")])
def test_a_file_in_the_place_of_a_folder_stops_the_start_with_one_sentence(
    terminal: Terminal, setting: str, words: tuple[str, ...]
) -> None:
    (terminal.folder / "in-the-way").write_text("a file")
    began = time.monotonic()
    ended = terminal.run(*words, **{setting: str(terminal.folder / "in-the-way")})
    assert ended.returncode == 2
    assert ended.stderr.count("\n") == 1
    assert "in-the-way cannot be written" in ended.stderr
    assert setting in ended.stderr
    assert time.monotonic() - began < 40


@pytest.mark.parametrize(
    ("setting", "value", "said"),
    [
        ("DATABASE_URL", "postgresql://me:secret@127.0.0.1:9/none", "127.0.0.1"),
        ("DATABASE_URL", "oracle://x/y", "not supported"),
        ("CACHESCOPE_API_PROT", "1", "did you mean CACHESCOPE_API_PORT"),
        ("CACHESCOPE_SAMPLE_WORKLOAD", "nope", "is 'nope'; give 'zipf'"),
        ("SOURCE_MAPPING", "endpoint=route", "'endpoint', which is none of ours"),
    ],
)
def test_a_wrong_setting_stops_the_start_with_one_sentence(
    terminal: Terminal, setting: str, value: str, said: str
) -> None:
    ended = terminal.run("up", **{setting: value})
    assert ended.returncode == 2
    assert ended.stderr.count("\n") == 1
    assert said in ended.stderr
    assert "secret" not in ended.stderr
