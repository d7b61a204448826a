"""The life of one service: start, ready, heartbeat, restart with growing pauses, stop."""

from __future__ import annotations

import signal
import time
from collections import deque
from collections.abc import Callable
from typing import Any

from engine.errors import EngineError
from engine.records import ServiceState
from engine.services import Service
from engine.supervision.events import EventLog
from engine.supervision.output import Output
from engine.supervision.plan import Limits
from engine.supervision.process import Process

Spawn = Callable[[Service, Output], Process]
"""Starts a service's process, with its port and all else that this engine chose for it."""


class Runner:
    """Keeps one service in the state that is wanted; `turn` is called some times a second."""

    def __init__(
        self, service: Service, limits: Limits, output: Output, events: EventLog, spawn: Spawn
    ) -> None:
        self.service = service
        self.process: Process | None = None
        self.state = ServiceState.STOPPED
        self.why = "not started yet"
        self.since = time.time()
        self.wanted = False
        self.restarts = 0
        self._limits = limits
        self._output = output
        self._events = events
        self._spawn = spawn
        self._starts: deque[float] = deque(maxlen=limits.starts)
        self._asked_at = 0.0
        self._start_at = 0.0
        self._deadline: float | None = None
        self._stopping = False
        self._spawned = 0.0
        self._beaten = 0.0
        self._broke: float | None = None
        self._killed_for = ""
        self._progress = 0

    @property
    def name(self) -> str:
        """The service's name."""
        return self.service.name

    @property
    def alive(self) -> bool:
        """Whether its process exists."""
        return self.process is not None

    @property
    def settled(self) -> bool:
        """Whether nobody has to wait for it: it works, or it is not going to."""
        return self.state is not ServiceState.STARTING and not self._stopping

    def want(self) -> None:
        """Have it running: start it as soon as what it needs is there; free to call again."""
        now = time.monotonic()
        if self.wanted and self.state is not ServiceState.FAILED:
            return
        self.wanted = True
        self._starts.clear()
        self._start_at = self._asked_at = now
        self._broke = None
        if not self.alive:
            self._be(ServiceState.STARTING, "asked to start")

    def unwant(self, why: str = "stopped on request") -> None:
        """Have it stopped; `stop_now` follows once nothing that needs it is still ending."""
        self.wanted = False
        if not self.alive:
            self._be(ServiceState.STOPPED, why)

    def restart(self) -> None:
        """Stop it if it runs, and start it again."""
        was_alive = self.alive
        self.wanted = False
        self.want()
        if was_alive:
            self.stop_now()

    def stop_now(self) -> None:
        """Ask the process to end; after the service's `stop_s` it is killed."""
        if self.process is None or self._stopping:
            return
        self._stopping = True
        self._deadline = time.monotonic() + self.service.stop_s
        self.why = "stopping"
        self.process.ask(signal.SIGTERM)
        # A stopped process takes no other signal until it goes on.
        self.process.ask(signal.SIGCONT)

    def kill(self, why: str) -> None:
        """End the process and all it started at once; `why` becomes the reason shown."""
        if self.process is not None:
            self._killed_for = why
            self.process.signal_group(signal.SIGKILL)

    def forgive(self) -> None:
        """Count silence from now: it was this process that did not listen."""
        self._beaten = time.monotonic()

    def due(self, now: float) -> bool:
        """Whether it should be started in this turn."""
        failed = self.state is ServiceState.FAILED
        return self.wanted and not self.alive and not failed and now >= self._start_at

    def waited_long(self, now: float) -> bool:
        """Whether it has waited long enough for services it needs that do not even start."""
        return now - self._asked_at >= self._limits.needs_s

    def start(self) -> None:
        """Start its process now."""
        now = time.monotonic()
        self._output.forget()
        self._spawned = self._beaten = now
        self._starts.append(now)
        self._stopping, self._killed_for, self._progress = False, "", 0
        try:
            self.process = self._spawn(self.service, self._output)
        except (OSError, EngineError) as error:
            self._after_end(f"cannot be started: {error}")
            return
        self._deadline = now + self.service.ready_s
        self._be(ServiceState.STARTING, self._broken_because("starting"))
        self._events.add(self.name, "started", f"started (pid {self.process.pid})")

    def turn(self, now: float) -> bool:
        """See to the process; True if it ended in this turn."""
        if self.process is None:
            return False
        reason = self.process.ended()
        for line in self.process.heard():
            self._hear(line)
        if reason is not None:
            code = self.process.exit_code
            self.process.close()
            self.process = None
            self._after_end(self._killed_for or reason, code)
            return True
        if self._deadline is not None and now >= self._deadline:
            self._out_of_time()
        elif self._deadline is None and now - self._beaten > self.service.hang_s:
            self._hangs()
        return False

    def status(self) -> dict[str, Any]:
        """What is shown of this service; `since` in wall seconds, ages in seconds."""
        now = time.monotonic()
        return {
            "name": self.name,
            "title": self.service.title,
            "description": self.service.description,
            "needs": list(self.service.needs),
            "sample_only": self.service.sample_only,
            "state": str(self.state),
            "since": self.since,
            "why": self.why,
            "pid": self.process.pid if self.process else None,
            "wanted": self.wanted,
            "restarts": self.restarts,
            "progress": self._progress,
            "beat_age_s": round(now - self._beaten, 2) if self.process else None,
        }

    def _be(self, state: ServiceState, why: str) -> None:
        if state is not self.state:
            self.since = time.time()
        self.state, self.why = state, why

    def _broken_because(self, otherwise: str) -> str:
        return self.why if self._broke is not None else otherwise

    def _hear(self, line: str) -> None:
        word, _, rest = line.partition(" ")
        self._beaten = time.monotonic()
        if word == "beat":
            self._progress = int(rest) if rest.isascii() and rest.isdigit() else self._progress
        elif self._stopping:
            return
        elif word == "ready":
            self._is_ready()
        elif word in {"degraded", "standby"}:
            self._deadline = None
            if self.why != rest or self.state != word:
                level = "warning" if word == "degraded" else "info"
                self._events.add(self.name, word, rest or word, level)
            self._be(ServiceState(word), rest)
            if self.state is ServiceState.STANDBY and self._broke is not None:
                self._is_back("on standby again")  # to wait is all that it has to do
        elif word == "recovered":
            self._recovered()

    def _is_ready(self) -> None:
        self._deadline = None
        if self.state is not ServiceState.STARTING:
            return
        now = time.monotonic()
        self._be(ServiceState.RUNNING, "")
        self._events.add(self.name, "ready", f"ready after {now - self._spawned:.1f} s")
        if self._broke is not None:
            self._is_back("running again")

    def _is_back(self, how: str) -> None:
        """Say how long it was away, and forget it: the next outage is another one."""
        if self._broke is not None:
            took = time.monotonic() - self._broke
            self._events.add(self.name, "recovered", f"{how} after {took:.1f} s")
            self._broke = None

    def _recovered(self) -> None:
        if self.state in {ServiceState.DEGRADED, ServiceState.STANDBY}:
            took = time.time() - self.since
            was = self.state
            self._be(ServiceState.RUNNING, "")
            if self._broke is not None:
                self._is_back("running again")
            else:
                self._events.add(self.name, "recovered", f"no longer {was} after {took:.1f} s")

    def _out_of_time(self) -> None:
        self._deadline = None
        if self._stopping:
            why = f"killed: did not end within {self.service.stop_s:g} s"
        else:
            why = f"killed: not ready within {self.service.ready_s:g} s"
        self._events.add(self.name, "killed", why, "warning")
        self.kill(why)

    def _hangs(self) -> None:
        why = f"killed: no heartbeat for {self.service.hang_s:g} s"
        self._deadline = None
        self.forgive()
        self._events.add(self.name, "killed", why, "error")
        self.kill(why)

    def _after_end(self, reason: str, code: int | None = None) -> None:
        now = time.monotonic()
        # What nobody wants any more and was killed before its turn is no fault.
        asked = self._stopping or bool(self._killed_for and not self.wanted)
        self._stopping, self._deadline = False, None
        if asked:
            clean = code == 0 or code == -signal.SIGTERM
            self._events.add(self.name, "stopped", "stopped" if clean else reason)
            self._start_at = now
            if self.wanted:
                self._be(ServiceState.STARTING, "restarting on request")
            else:
                self._be(ServiceState.STOPPED, "stopped on request" if clean else reason)
            return
        self._events.add(self.name, "exited", reason, "error")
        if not self.wanted:
            self._be(ServiceState.STOPPED, reason)
            return
        self._plan_restart(now, reason)

    def _plan_restart(self, now: float, reason: str) -> None:
        if self._broke is None:
            self._broke = now
        recent = [start for start in self._starts if now - start <= self._limits.window_s]
        if len(recent) >= self._limits.starts:
            self._be(ServiceState.FAILED, reason)
            message = f"given up after {len(recent)} starts in {self._limits.window_s:g} s: "
            self._events.add(self.name, "failed", message + reason, "error")
            return
        pause = self._limits.pause_s(len(recent))
        self._start_at = self._asked_at = now + pause
        self.restarts += 1
        self._be(ServiceState.STARTING, reason)
        when = f"in {pause:.1f} s" if pause else "at once"
        self._events.add(self.name, "restarted", f"starts again {when}", "warning")
