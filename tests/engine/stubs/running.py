"""A real supervisor over stub services, for tests."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from engine import control
from engine.errors import ControlError
from engine.services import Service
from engine.settings import ROOT, Settings
from engine.supervision.plan import Limits, Plan, Port

WORKER = "tests.engine.stubs.worker"


def stub(name: str, *arguments: str, **fields: Any) -> Service:  # noqa: ANN401 - a service's own
    return Service(name, (WORKER, "--name", name, *arguments), name.title(), "", **fields)


def until(what: Callable[[], Any], seconds: float = 15.0) -> Any:  # noqa: ANN401 - whatever it found
    """Wait for something to become true, and return it."""
    deadline = time.monotonic() + seconds
    while True:
        found = what()
        if found:
            return found
        assert time.monotonic() < deadline, f"not within {seconds} s"
        time.sleep(0.02)


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    # A zombie is gone; only its parent has not looked yet.
    stat = Path(f"/proc/{pid}/stat")
    try:
        return stat.read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return not Path("/proc/self").exists()


class RunningEngine:
    """A supervisor process with a plan of its own; `close` leaves nothing behind."""

    def __init__(
        self,
        folder: Path,
        *services: Service,
        limits: Limits | None = None,
        **fields: Any,  # noqa: ANN401
    ) -> None:
        self.folder = folder
        self.settings = Settings(data_dir=folder / "data", log_dir=folder / "logs")
        self.plan = Plan(
            data_path=self.settings.data_path,
            log_path=self.settings.log_path,
            run_path=self.settings.run_path,
            owner="terminal",
            services=services,
            limits=limits or Limits(),
            **fields,
        )
        self.owner_pipe: int | None = None
        self.process = self.launch()
        self.pids: set[int] = set()
        try:
            until(lambda: self.try_status() is not None or self.process.poll() is not None)
        except AssertionError:
            self.process.kill()
            raise

    def launch(self, *, owned: bool = True) -> subprocess.Popen[str]:
        plan_read, plan_write = os.pipe()
        owner_read, self.owner_pipe = os.pipe()
        with os.fdopen(plan_write, "w") as pipe:
            pipe.write(self.plan.to_json())
        try:
            return subprocess.Popen(
                [sys.executable, "-m", "engine.supervisor", "--plan-fd", str(plan_read)]
                + (["--owner-fd", str(owner_read)] if owned else []),
                cwd=ROOT,
                pass_fds=(plan_read, owner_read),
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                text=True,
                start_new_session=True,
            )
        finally:
            os.close(plan_read)
            os.close(owner_read)

    def call(self, verb: str, **arguments: Any) -> dict[str, Any]:  # noqa: ANN401
        reply: dict[str, Any] = control.call(self.settings, verb, **arguments)
        return reply

    def try_status(self) -> dict[str, Any] | None:
        try:
            status = self.call("status")
        except ControlError:
            return None
        self.pids |= {s["pid"] for s in status["services"] if s["pid"]}
        self.pids |= {j["pid"] for j in status["jobs"]}
        return status

    def service(self, name: str) -> dict[str, Any]:
        status = self.try_status()
        assert status is not None
        return next(s for s in status["services"] if s["name"] == name)

    def becomes(self, name: str, state: str, seconds: float = 15.0) -> dict[str, Any]:
        def looked() -> dict[str, Any] | None:
            found = self.service(name)
            return found if found["state"] == state else None

        found: dict[str, Any] = until(looked, seconds)
        return found

    def events(self, kind: str = "") -> list[dict[str, Any]]:
        found = self.call("events", after=0)["events"]
        return [event for event in found if not kind or event["kind"] == kind]

    def log(self, name: str) -> str:
        path = self.plan.log_path / f"{name}.log"
        return path.read_text() if path.exists() else ""

    def all_gone(self) -> bool:
        return self.process.poll() is not None and not any(map(is_alive, self.pids))

    def close(self) -> None:
        self.try_status()
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait(5)
        if self.process.stderr is not None:
            self.process.stderr.close()
        if self.owner_pipe is not None:
            os.close(self.owner_pipe)
        for pid in filter(is_alive, self.pids):
            os.kill(pid, signal.SIGKILL)


def ports(number: int) -> dict[str, Port]:
    return {"api": Port("127.0.0.1", number, "CACHESCOPE_API_PORT")}
