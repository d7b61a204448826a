"""A child process's side of supervision: ready, heartbeat, state, and the end of the parent.

The supervisor passes two pipes by number in the environment: from one the child reads the end of
its parent (end of file, whatever killed it), into the other it writes one line per event:
`ready`, `beat PROGRESS`, `degraded WHY`, `standby WHY`, `recovered`. Without a supervisor
(a service started by hand) every call is a no-op and only signals stop the process.

Standard library only: the queue server must start in a tenth of a second.
"""

from __future__ import annotations

import os
import signal
import threading
from types import FrameType

PARENT_FD = "ENGINE_PARENT_FD"
EVENT_FD = "ENGINE_EVENT_FD"

ORPHAN_GRACE_S = 1.5
"""How long an orphan may flush; a dashboard's engine must be gone within two seconds."""


class Lifeline:
    """Tells the supervisor how this process fares and this process when to stop.

    Beat from the work loop itself, never from a helper thread: a heartbeat is a promise that work
    goes on. `progress` is any counter of finished work; it may stand still when there is none.
    """

    def __init__(self) -> None:
        self.stopping = threading.Event()
        self._events = _descriptor(EVENT_FD)
        self._lock = threading.Lock()
        self._troubled = False
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGTERM, self._on_signal)
            signal.signal(signal.SIGINT, self._on_signal)
        parent = _descriptor(PARENT_FD)
        if parent is not None:
            threading.Thread(target=self._watch, args=(parent,), daemon=True).start()

    def ready(self) -> None:
        """Say that this process can do its work now."""
        self._send("ready")

    def beat(self, progress: int = 0) -> None:
        """Say that the work loop turned once more."""
        self._send(f"beat {progress}")

    def degraded(self, why: str) -> None:
        """Say in one sentence what keeps this process from its full work."""
        self._troubled = True
        self._send(f"degraded {_one_line(why)}")

    def standby(self, why: str) -> None:
        """Say which other engine does this service's work."""
        self._troubled = True
        self._send(f"standby {_one_line(why)}")

    def recovered(self) -> None:
        """Take back `degraded` or `standby`; free to call in every turn."""
        if self._troubled:
            self._troubled = False
            self._send("recovered")

    def wait(self, seconds: float) -> bool:
        """Sleep up to `seconds`; True as soon as this process should stop."""
        return self.stopping.wait(seconds)

    def _send(self, line: str) -> None:
        if self._events is None:
            return
        with self._lock:
            try:
                os.write(self._events, line.encode()[:4000] + b"\n")
            except BlockingIOError:
                return  # the supervisor is busy; the next beat says the same
            except OSError:
                self.stopping.set()

    def _on_signal(self, _signal: int, _frame: FrameType | None) -> None:
        self.stopping.set()

    def _watch(self, parent: int) -> None:
        try:
            os.read(parent, 1)
        finally:
            self.stopping.set()
            threading.Event().wait(ORPHAN_GRACE_S)
            os._exit(70)


def _descriptor(name: str) -> int | None:
    number = os.environ.pop(name, None)
    return None if number is None else int(number)


def _one_line(text: str) -> str:
    return " ".join(text.split())
