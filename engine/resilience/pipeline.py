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
from typing import Any, ClassVar
from weakref import WeakSet

from engine import control
from engine.broker.base import Broker
from engine.errors import ControlError, ResilienceError
from engine.registry import resolve
from engine.resilience.base import Phases, Scenario
from engine.resilience.facts import NS
from engine.resilience.faults.proxy import Proxy
from engine.resilience.history import History
from engine.resilience.load import Load, write_load
from engine.resilience.patience import Patience
from engine.resilience.planning import environment, plan_of
from engine.resilience.queues import QUEUES, PrivateQueue
from engine.resilience.sweeping import handles
from engine.resilience.witness import Witness
from engine.settings import ROOT, Settings

READY_S = 30.0
END_S = 10.0


class Pipeline(Patience, Witness):
    """Queue, producer and consumer of one run, in a folder of their own.

    Args:
        folder: of the run; the histories lie in its `history`.
        scenario: says which other processes there are and how patient the supervisor is.
        backend: of the queue, a name in QUEUES.
        cancelled: asked often; True ends the run as aborted.
    """

    live: ClassVar[bool] = False
    agent: ClassVar[str] = "consumer"
    """The service that takes from the queue, where a scenario harms it."""

    def __init__(
        self, folder: Path, scenario: Scenario, backend: str, cancelled: Callable[[], bool]
    ) -> None:
        self.handles = handles()
        """What this process had open before."""
        folder.mkdir(parents=True, exist_ok=True)
        Patience.__init__(self, cancelled)
        Witness.__init__(self, History(folder / "history", "runner"))
        self.folder = folder
        self.settings = Settings(data_dir=folder, log_dir=folder / "logs")
        self.pids: dict[int, str] = {}
        """Every process of ours that was ever seen, and what it was."""
        self.begin = 0
        self.queue = self._queue(backend)
        self.queue_name = scenario.queue
        self.proxy = Proxy(self.queue.socket) if scenario.proxied else None
        self._scenario = scenario
        self._brokers: WeakSet[Broker] = WeakSet()
        self._process: subprocess.Popen[bytes] | None = None
        self._owner: int | None = None

    @property
    def address(self) -> str:
        """Where producer and consumer find the queue."""
        return self.queue.address(self.proxy.port if self.proxy else None)

    def start(self) -> None:
        """Start all processes and wait until they are ready.

        Raises:
            ResilienceError: they do not get ready.
        """
        self.launch()
        self.wait_until(self._all_ready, self._scenario.ready_s, "the pipeline to be ready")

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

    def kill(self, name: str) -> int:
        """Kill a process as a crash would; returns its pid."""
        pid = self.victim(name)
        os.kill(pid, signal.SIGKILL)
        self.struck(f"{name} killed")
        return pid

    @contextlib.contextmanager
    def frozen(self, name: str) -> Iterator[int]:
        """Stop a process without ending it."""
        pid = self.victim(name)
        with self.fault(f"{name} frozen"):
            self.watch_over(pid)
            os.kill(pid, signal.SIGSTOP)
            try:
                yield pid
            finally:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGCONT)

    def watch_over(self, pid: int) -> None:
        """Promise that a process that is to be stopped goes on; here its supervisor sees to it."""

    def pid(self, name: str) -> int:
        """The pid of a service that runs; waits for one that is being started."""
        found: list[int] = []

        def look() -> bool:
            service = self.service(name)
            found[:] = [service["pid"]] if service and service["pid"] else []
            return bool(found)

        self.wait_until(look, READY_S, f"{name} to run")
        return found[0]

    def victim(self, name: str) -> int:
        """The pid that a fault of a service strikes: of the queue, its server."""
        pid = self.pid(name)
        return self.queue.struck(pid) if name == "queue" else pid

    def service_pid(self, name: str) -> int | None:
        """The pid that a service has just now."""
        service = self.service(name)
        return service["pid"] if service else None

    @property
    def through(self) -> Proxy:
        """The proxy; only scenarios that are `proxied` have one."""
        assert self.proxy is not None  # noqa: S101 - the scenario says so
        return self.proxy

    def kill_supervisor(self) -> None:
        """Kill the engine itself."""
        assert self._process is not None  # noqa: S101 - it was started
        self._process.kill()
        self._process.wait()
        self.struck("engine killed")

    def status(self) -> list[dict[str, Any]]:
        """What is told of all services that a fault can strike."""
        return self.ours()

    def ours(self) -> list[dict[str, Any]]:
        """What our own supervisor tells of its services; nothing while there is none."""
        services = told(self.settings)
        for service in services:
            if service["pid"]:
                self.pids[service["pid"]] = service["name"]
                if service["name"] == "queue":
                    self.pids[self.queue.struck(service["pid"])] = "queue"
        return services

    def family(self) -> set[int]:
        """Every process whose use of the machine is the system's own."""
        return set(self.pids)

    def look_back(self) -> None:
        """Note what can only be seen after the drain; the copy has nothing more to tell."""

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

    def broker(self, reply_s: float = 0.5, client: str = "monitor") -> Broker:
        """The queue, past any proxy."""
        queue = self.queue
        made = queue.connect(queue.folder, queue.address(), self.queue_name, client, reply_s)
        self._brokers.add(made)
        return made

    def close(self) -> None:
        """End every process and give everything back."""
        for broker in list(self._brokers):  # an abort leaves them open
            broker.close()
        if self._owner is not None:
            self.ours()
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

    def _queue(self, backend: str) -> PrivateQueue:
        made: PrivateQueue = resolve(QUEUES, backend, "queue backend")(
            self.folder, str(self.settings.run_path / "queue.sock")
        )
        made.check()
        return made

    def _all_ready(self) -> bool:
        if self._process is not None and self._process.poll() is not None:
            raise ResilienceError(f"The supervisor of the copy ended at once; see {self.folder}.")
        services = self.ours()
        return bool(services) and all(s["state"] != "starting" for s in services)


def told(settings: Settings) -> list[dict[str, Any]]:
    """What a supervisor tells of its services; nothing while it does not answer."""
    try:
        services: list[dict[str, Any]] = control.call(settings, "status", 1.0)["services"]
    except (ControlError, ValueError):
        return []
    return services
