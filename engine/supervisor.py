"""The supervisor: one process, one loop, that starts, watches, restarts and stops all others.

Standard library only. `python -m engine up` checks the settings, takes the lock on the data
folder, brings the store up to date and then becomes this process.

The shape follows systemd (ready signal, watchdog, start limit) and OTP (what needs a service
starts after it and stops before it).
"""

from __future__ import annotations

import argparse
import contextlib
import os
import selectors
import signal
import socket
import sys
import time
from collections.abc import Callable, Mapping
from types import FrameType
from typing import Any

from engine.errors import EngineError
from engine.services import Service
from engine.supervision import folder
from engine.supervision.events import Event, EventLog
from engine.supervision.jobs import Jobs
from engine.supervision.output import Output
from engine.supervision.plan import Plan
from engine.supervision.ports import free_port
from engine.supervision.process import LEAN, Process
from engine.supervision.runner import Runner
from engine.supervision.server import ControlServer
from engine.supervision.verbs import handle

TURN_S = 0.1
"""The longest sleep of the loop; signals, requests and output wake it at once."""

DEAF_S = 2.0
"""If a turn took longer, we were not listening, and no child is to blame for its silence."""


class Supervisor:
    """Runs one plan until it is told to end, its owner ends, or a signal arrives."""

    def __init__(self, plan: Plan, owner_fd: int | None = None) -> None:
        self.plan = plan
        self.since = time.time()
        self._owner_fd = owner_fd
        self._selector = selectors.DefaultSelector()
        self._log = self._output("engine")
        self.events = EventLog(self._say)
        self.ports = {name: port.wanted for name, port in plan.ports.items()}
        self.runners: dict[str, Runner] = {
            service.name: Runner(
                service, plan.limits, self._output(service.name), self.events, self._spawn
            )
            for service in plan.services
        }
        self.jobs = Jobs(plan, self.events, self._selector)
        self._ending = False
        self._end_by: float | None = None
        self._hurry_by: float | None = None
        self._turned = time.monotonic()

    def run(self) -> int:
        """Start everything and stay until all of it has ended; returns the exit code."""
        folder.private_folder(self.plan.run_path)
        self._choose_ports()
        wake = self._watch_signals()
        server = ControlServer(
            self.plan.socket, self._selector, lambda verb, given: handle(self, verb, given)
        )
        if self._owner_fd is not None:
            self._selector.register(self._owner_fd, selectors.EVENT_READ, self._owner_gone)
        self.write_run_file()
        self.events.add("engine", "started", f"engine started (pid {os.getpid()})")
        for runner in self.runners.values():
            runner.want()
        for run, kind in self.plan.jobs:
            with contextlib.suppress(EngineError):  # it stays queued, and goes on another time
                self.jobs.start(run, kind)
        try:
            while not self._over():
                self._turn()
        finally:
            for runner in self.runners.values():
                runner.kill("the engine ended")
            self.jobs.kill_all()
            server.close()
            self.plan.run_file.unlink(missing_ok=True)
            wake.close()
        self.events.add("engine", "stopped", "engine stopped")
        return 0

    def end(self, within_s: float | None = None) -> None:
        """Stop everything in reverse order; what still lives after `within_s` is killed.

        After half of `within_s` all are asked to end at once: else what others need, which is
        asked last, would have no time left to end by itself.
        """
        self._ending = True
        if within_s is not None and self._end_by is None:
            now = time.monotonic()
            self._hurry_by, self._end_by = now + within_s / 2, now + within_s
        for runner in self.runners.values():
            runner.unwant()
        self.jobs.stop_all()

    def dependents(self, name: str) -> list[Runner]:
        """The services that need `name`."""
        return [r for r in self.runners.values() if name in r.service.needs]

    def write_run_file(self) -> None:
        """Say to who looks at the data folder who we are and which ports were chosen."""
        folder.write_run_file(self.plan.run_file, self.describe())

    def describe(self) -> dict[str, Any]:
        """This engine: id, pid, owner ("dashboard" or "terminal"), ports, folders, since (s)."""
        return {
            "id": folder.identity(self.plan.run_path),
            "pid": os.getpid(),
            "owner": self.plan.owner,
            "since": self.since,
            "host": socket.gethostname(),
            "writer": self.events.writer,
            "state": "stopping" if self._ending else "running",
            "data": str(self.plan.data_path),
            "logs": str(self.plan.log_path),
            **{f"{name}_port": number for name, number in self.ports.items()},
        }

    def _output(self, name: str) -> Output:
        limits = self.plan.limits
        return Output(self.plan.log_path / f"{name}.log", limits.log_bytes, limits.log_files)

    def _say(self, event: Event) -> None:
        clock = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(event.at))
        text = f"{event.service}: {event.message}"
        millis = int(event.at * 1000) % 1000
        self._log.line(f"{clock}.{millis:03d}Z {event.level.upper()} engine.supervisor {text}")
        with contextlib.suppress(OSError, ValueError):
            sys.stdout.write(f"{time.strftime('%H:%M:%S')} {text}\n")
            sys.stdout.flush()

    def _choose_ports(self) -> None:
        for name in self.plan.ports:
            self._choose_port(name)

    def _choose_port(self, name: str) -> None:
        port = self.plan.ports[name]
        others = {number for other, number in self.ports.items() if other != name}
        number = free_port(port.host, self.ports[name], others)
        if self.ports[name] not in (0, number):
            self.events.add(
                "engine", "port", f"port {self.ports[name]} is busy; {name} gets {number}"
            )
        self.ports[name] = number

    def _spawn(self, service: Service, output: Output) -> Process:
        if service.port in self.plan.ports:
            before = self.ports[service.port]
            self._choose_port(service.port)
            if self.ports[service.port] != before:
                self._moved(service)
        return Process(service.arguments, self._environment(), output, self._selector, LEAN)

    def _moved(self, service: Service) -> None:
        """A service got another port than before: who talks to it must start anew."""
        self.write_run_file()
        for runner in self.dependents(service.name):
            if runner.alive:
                runner.restart()

    def _environment(self) -> Mapping[str, str]:
        return {port.setting: str(self.ports[name]) for name, port in self.plan.ports.items()}

    def _watch_signals(self) -> socket.socket:
        receiver, sender = socket.socketpair()
        receiver.setblocking(False)
        sender.setblocking(False)
        signal.set_wakeup_fd(sender.fileno(), warn_on_full_buffer=False)
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, self._on_signal)
        signal.signal(signal.SIGCHLD, lambda _number, _frame: None)

        def drain(_mask: int) -> None:
            with contextlib.suppress(BlockingIOError):
                receiver.recv(4096)

        self._selector.register(receiver, selectors.EVENT_READ, drain)
        return sender

    def _on_signal(self, _number: int, _frame: FrameType | None) -> None:
        self.end()

    def _owner_gone(self, _mask: int) -> None:
        assert self._owner_fd is not None  # noqa: S101 - registered only then
        self._selector.unregister(self._owner_fd)
        self.events.add("engine", "owner", f"the {self.plan.owner} that started the engine ended")
        self.end(within_s=self.plan.limits.orphan_s)

    def _over(self) -> bool:
        return self._ending and not self.jobs.processes and not self._alive()

    def _alive(self) -> list[Runner]:
        return [runner for runner in self.runners.values() if runner.alive]

    def _turn(self) -> None:
        for key, mask in self._selector.select(TURN_S):
            callback: Callable[[int], None] = key.data
            callback(mask)
        now = time.monotonic()
        if now - self._turned > DEAF_S:
            for runner in self.runners.values():
                runner.forgive()
        self._turned = now
        for runner in self.runners.values():
            runner.turn(now)
        self.jobs.turn(now, self._ending)
        self._stop_unwanted(in_haste=self._hurry_by is not None and now >= self._hurry_by)
        self._start_due(now)
        if self._end_by is not None and now >= self._end_by:
            for runner in self._alive():
                runner.kill("killed: the engine ends")
            self.jobs.kill_all()

    def _stop_unwanted(self, *, in_haste: bool) -> None:
        for runner in reversed(self.runners.values()):
            leaving = (r.alive and not r.wanted for r in self.dependents(runner.name))
            if runner.alive and not runner.wanted and (in_haste or not any(leaving)):
                runner.stop_now()

    def _start_due(self, now: float) -> None:
        for runner in self.runners.values():
            if not runner.due(now):
                continue
            needed = [self.runners[n] for n in runner.service.needs if n in self.runners]
            awaited = [need for need in needed if not need.settled]
            # What is just starting has a time of its own in which it must get ready.
            down = not any(need.alive for need in awaited)
            if not awaited or (down and runner.waited_long(now)):
                runner.start()


def main(arguments: list[str] | None = None) -> int:
    """Become the supervisor of the plan that lies in a pipe; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m engine.supervisor")
    parser.add_argument("--plan-fd", type=int, required=True)
    parser.add_argument("--lock-fd", type=int, help="the lock on the data folder, if taken")
    parser.add_argument("--owner-fd", type=int, help="its end of file ends the engine")
    given = parser.parse_args(arguments)
    with os.fdopen(given.plan_fd) as pipe:
        plan = Plan.from_json(pipe.read())
    try:
        held = folder.lock(plan.data_path) if given.lock_fd is None else given.lock_fd
        for descriptor in (held, given.owner_fd):
            if descriptor is not None:
                os.set_inheritable(descriptor, False)
        return Supervisor(plan, given.owner_fd).run()
    except EngineError as error:
        sys.stderr.write(f"{error}\n")
        return 2


if __name__ == "__main__":
    sys.exit(main())
