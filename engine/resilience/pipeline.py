"""A private copy of the pipeline: the real supervisor over a real queue server and its clients.

The supervisor ends when the pipe that this process holds does, and all others end with it; so
whatever happens to the test, frozen and limited processes included, nothing is left behind.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from engine import control
from engine.broker.client import ManagerBroker
from engine.broker.place import Place
from engine.errors import ControlError, ResilienceError
from engine.resilience.base import Phases, Scenario
from engine.resilience.facts import NS
from engine.resilience.faults.proxy import Proxy
from engine.resilience.history import History, What
from engine.resilience.load import Load, write_load
from engine.resilience.planning import environment, plan_of
from engine.settings import ROOT, Settings

READY_S = 30.0
END_S = 10.0
LOOK_S = 0.02


class Aborted(ResilienceError):  # noqa: N818 - reads as what happened
    """Raised when a person asked the test to end."""


class Pipeline:
    """Queue, producer and consumer of one run, in a folder of their own.

    Args:
        folder: of the run; the histories lie in its `history`.
        scenario: says which other processes there are and how patient the supervisor is.
        cancelled: asked often; True ends the run as aborted.
    """

    def __init__(self, folder: Path, scenario: Scenario, cancelled: Callable[[], bool]) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.settings = Settings(data_dir=folder, log_dir=folder / "logs")
        self.history = History(folder / "history", "runner")
        self.pids: dict[int, str] = {}
        """Every process that was ever seen, and what it was."""
        self.begin = 0
        self._scenario, self._cancelled = scenario, cancelled
        self._faults = 0
        socket_path = str(self.settings.run_path / "queue.sock")
        self.place = Place(socket_path, folder / "queue.key", folder / "queue")
        self.proxy = Proxy(socket_path) if scenario.proxied else None
        self._process: subprocess.Popen[bytes] | None = None
        self._owner: int | None = None

    @property
    def address(self) -> str:
        """Where producer and consumer find the queue."""
        return f"tcp://127.0.0.1:{self.proxy.port}" if self.proxy else str(self.place.address)

    def start(self) -> None:
        """Start all processes and wait until they are ready.

        Raises:
            ResilienceError: they do not get ready.
        """
        self.launch()
        self.wait_until(self._all_ready, READY_S, "the pipeline to be ready")

    def launch(self) -> None:
        """Start the supervisor, which starts the others."""
        if self._owner is not None:
            os.close(self._owner)
        plan_read, plan_write = os.pipe()
        owner_read, self._owner = os.pipe()
        with os.fdopen(plan_write, "w") as pipe:
            pipe.write(plan_of(self, self._scenario).to_json())
        self._process = subprocess.Popen(
            [sys.executable, "-m", "engine.supervisor", "--plan-fd", str(plan_read),
             "--owner-fd", str(owner_read)],
            cwd=ROOT,
            env=environment(self),
            pass_fds=(plan_read, owner_read),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )  # fmt: skip
        self.pids[self._process.pid] = "supervisor"
        os.close(plan_read)
        os.close(owner_read)

    def send(self, phases: Phases) -> None:
        """Let the producer begin."""
        self.begin = time.monotonic_ns() + NS // 10
        write_load(self.folder / "load.json", Load(self.begin, phases.steps))
        self.phase("steady", self.begin)

    def phase(self, name: str, at: int = 0) -> None:
        """Note that a phase begins."""
        self.history.tell(What.PHASE, at=at, note=name)

    @contextlib.contextmanager
    def fault(self, note: str) -> Iterator[None]:
        """A fault that lasts as long as the block, whatever ends it."""
        self._faults += 1
        name = str(self._faults)
        self.history.tell(What.INJECTED, note=note, id=name, value=1.0)
        try:
            yield
        finally:
            self.history.tell(What.HEALED, note=note, id=name)

    def struck(self, note: str) -> None:
        """Note a fault that is over at once."""
        self._faults += 1
        self.history.tell(What.INJECTED, note=note, id=str(self._faults))

    def prove(self, note: str, value: float, limit: float) -> None:
        """Note an observation that is right as long as `value` is at most `limit`."""
        self.history.tell(What.PROOF, note=note, value=float(value), limit=float(limit))

    def kill(self, name: str) -> int:
        """Kill a process as a crash would; returns its pid."""
        pid = self.pid(name)
        os.kill(pid, signal.SIGKILL)
        self.struck(f"{name} killed")
        return pid

    @contextlib.contextmanager
    def frozen(self, name: str) -> Iterator[int]:
        """Stop a process without ending it."""
        pid = self.pid(name)
        with self.fault(f"{name} frozen"):
            os.kill(pid, signal.SIGSTOP)
            try:
                yield pid
            finally:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGCONT)

    def pid(self, name: str) -> int:
        """The pid of a service that runs; waits for one that is being started."""
        found: list[int] = []

        def look() -> bool:
            service = self.service(name)
            found[:] = [service["pid"]] if service and service["pid"] else []
            return bool(found)

        self.wait_until(look, READY_S, f"{name} to run")
        return found[0]

    def service_pid(self, name: str) -> int | None:
        """The pid that a service has just now."""
        service = self.service(name)
        return service["pid"] if service else None

    @property
    def through(self) -> Proxy:
        """The proxy; only scenarios that are `proxied` have one."""
        assert self.proxy is not None  # noqa: S101 - the scenario says so
        return self.proxy

    def note(self, words: str) -> None:
        """Say something in the history that nobody judges."""
        self.history.tell(What.STATE, note=words, id="runner")

    def wait_to(self, at: int) -> None:
        """Sleep until a monotonic moment, ns; raises as `wait` does."""
        self.wait(max(0.0, (at - time.monotonic_ns()) / NS))

    def kill_supervisor(self) -> None:
        """Kill the engine itself."""
        assert self._process is not None  # noqa: S101 - it was started
        self._process.kill()
        self._process.wait()
        self.struck("engine killed")

    def status(self) -> list[dict[str, Any]]:
        """What the supervisor tells of its services; nothing while there is none."""
        try:
            services: list[dict[str, Any]] = control.call(self.settings, "status", 1.0)["services"]
        except (ControlError, ValueError):
            return []
        self.pids.update({s["pid"]: s["name"] for s in services if s["pid"]})
        return services

    def service(self, name: str) -> dict[str, Any] | None:
        """One service as the supervisor tells it."""
        return next((s for s in self.status() if s["name"] == name), None)

    def stop(self, *names: str, seconds: float = END_S) -> None:
        """Let services end by themselves, and wait for it."""
        for name in names:
            control.call(self.settings, "stop", name=name)
        self.wait_until(
            lambda: all(s["pid"] is None for s in self.status() if s["name"] in names), seconds,
            f"{' and '.join(names)} to end",
        )  # fmt: skip

    def broker(self, reply_s: float = 0.5, client: str = "monitor") -> ManagerBroker:
        """The queue, past any proxy."""
        return ManagerBroker(self.place, self._scenario.queue, client, reply_s)

    def wait(self, seconds: float) -> None:
        """Sleep.

        Raises:
            Aborted: a person asked to end.
        """
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            self.check()
            time.sleep(min(left, 0.05))

    def wait_until(self, what: Callable[[], bool], seconds: float, words: str) -> None:
        """Wait for something.

        Raises:
            ResilienceError: it did not come in time.
            Aborted: a person asked to end.
        """
        end = time.monotonic() + seconds
        while not what():
            self.check()
            if time.monotonic() > end:
                raise ResilienceError(f"Waited {seconds:g} s for {words}, in vain.")
            time.sleep(LOOK_S)

    def check(self) -> None:
        """Raise Aborted if a person asked to end."""
        if self._cancelled():
            raise Aborted("The test was aborted on request.")

    def close(self) -> None:
        """End every process and give everything back."""
        if self._owner is not None:
            self.status()
            os.close(self._owner)
            self._owner = None
        if self._process is not None:
            try:
                self._process.wait(END_S)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        if self.proxy is not None:
            self.proxy.close()

    def _all_ready(self) -> bool:
        if self._process is not None and self._process.poll() is not None:
            raise ResilienceError(f"The supervisor of the copy ended at once; see {self.folder}.")
        services = self.status()
        return bool(services) and all(s["state"] != "starting" for s in services)
