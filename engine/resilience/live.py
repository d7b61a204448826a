"""The running engine as what is harmed: its services are struck, its queue server carries the load.

The load has a queue of its own on the live server, put and taken by processes of ours, so that no
prediction mixes with it. What is stopped goes on and the queue is removed whatever ends the test: a
guard of its own sees to it.
"""

from __future__ import annotations

import contextlib
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, ClassVar

from engine.broker.client import connect
from engine.errors import BrokerError, ResilienceError
from engine.registry import resolve
from engine.resilience.base import LIMITS, Scenario, Untestable
from engine.resilience.pipeline import Pipeline, told
from engine.resilience.queues import QUEUES, PrivateQueue
from engine.settings import ROOT, Settings

GUARD_S = 20.0
SEEN_S = 0.2
"""Until those who watch have seen it as well."""
NAMED = 64
"""Longest name of a queue."""


def live_checkers(checkers: Sequence[str]) -> tuple[str, ...]:
    """What is checked in the live engine: all of it, and that its services came back."""
    return tuple(dict.fromkeys((*checkers, "back", "proofs")))


class LivePipeline(Pipeline):
    """A producer and a consumer of ours on the queue server of a running engine.

    Args:
        folder: of the run.
        scenario: what is done to the engine.
        engine: its settings.
        cancelled: asked often; True ends the run as aborted.

    Raises:
        Untestable: no engine runs there.
    """

    live: ClassVar[bool] = True
    agent: ClassVar[str] = "agent"

    def __init__(
        self, folder: Path, scenario: Scenario, engine: Settings, cancelled: Callable[[], bool]
    ) -> None:
        self._engine = engine
        before = told(engine)
        self._ran = {s["name"] for s in before if s["state"] == "running"}
        if not before:
            raise Untestable(
                "No engine runs on this data folder, so there is nothing live to harm; start it "
                "with `python -m engine up`."
            )
        super().__init__(folder, scenario, engine.queue_backend, cancelled)
        self.queue_name = f"test-{folder.name}"[:NAMED]
        self._guard = subprocess.Popen(
            [sys.executable, "-m", "engine.resilience.guard", "--backend", self.queue.name,
             "--home", str(self.queue.folder), "--address", self.queue.address(),
             "--queue", self.queue_name, "--history", str(folder / "history")],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            start_new_session=True,
        )  # fmt: skip

    def status(self) -> list[dict[str, Any]]:
        """Our own services and those of the engine."""
        return [*self.ours(), *told(self._engine)]

    def victim(self, name: str) -> int:
        """The pid that a fault strikes.

        Raises:
            Untestable: the engine does not run this service itself.
        """
        if name not in {service["name"] for service in self.status()}:
            raise Untestable(
                f"The running engine has no service {name} of its own; what it did not start is "
                "never harmed."
            )
        return super().victim(name)

    def family(self) -> set[int]:
        """Our own processes and those of the engine."""
        return set(self.pids) | {s["pid"] for s in told(self._engine) if s["pid"]}

    def watch_over(self, pid: int) -> None:
        """Let the guard know what must go on when this process ends."""
        assert self._guard.stdin is not None  # noqa: S101 - PIPE was asked for
        self._guard.stdin.write(f"{pid}\n".encode())
        self._guard.stdin.flush()

    def look_back(self) -> None:
        """Every prediction of the live queue has one end or is still in it; all are back."""
        with contextlib.suppress(ResilienceError):  # who stays away is told by a checker
            self.wait_until(self._all_back, LIMITS["back_s"], "the services to run again")
            self.wait(SEEN_S)
        broker = connect(self._engine, client="resilience")
        try:
            now = broker.counters()
        except BrokerError as error:
            self.prove(f"live queue that does not answer ({error})", 1, 0)
            return
        finally:
            broker.close()
        ended = now.acknowledged + now.overwritten + now.expired + now.depth
        self.prove("live predictions without an end", abs(now.accepted - ended), 0)

    def _all_back(self) -> bool:
        now = {s["name"] for s in told(self._engine) if s["state"] == "running"}
        return self._ran <= now

    def close(self) -> None:
        """End our own processes and let the guard remove the rest."""
        super().close()
        assert self._guard.stdin is not None  # noqa: S101 - PIPE was asked for
        with contextlib.suppress(BrokenPipeError):
            self._guard.stdin.close()
        self._guard.wait(GUARD_S)

    def _queue(self, backend: str) -> PrivateQueue:
        address = self._engine.queue_address or str(self._engine.run_path / "queue.sock")
        made: PrivateQueue = resolve(QUEUES, backend, "queue backend")(
            self._engine.data_path, address
        )
        return made
