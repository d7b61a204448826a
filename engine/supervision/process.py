"""One child process with its three pipes: lifeline, events, output."""

from __future__ import annotations

import contextlib
import os
import selectors
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from engine.lifeline import EVENT_FD, PARENT_FD
from engine.supervision.output import Output

ROOT = Path(__file__).resolve().parent.parent.parent

BOOT = "engine.supervision.boot"

LEAN = {"MALLOC_ARENA_MAX": "1", "OPENBLAS_NUM_THREADS": "1"}
"""For services, which wait more than they compute: one heap for all threads of a process instead
of one each, and no threads of NumPy's. Jobs, which compute, go without."""
CHUNK = 65_536


class Process:
    """A running `python -m …` in a session of its own.

    The write end of its lifeline lives in this process alone, so that it reads end of file
    whatever ends us.
    """

    def __init__(
        self,
        arguments: Sequence[str],
        environment: Mapping[str, str],
        output: Output,
        selector: selectors.BaseSelector,
        defaults: Mapping[str, str] | None = None,
    ) -> None:
        """Start it; `defaults` are variables that our own environment may overrule."""
        parent_read, self._parent = os.pipe()
        self._events, event_write = os.pipe()
        os.set_blocking(event_write, False)
        os.set_blocking(self._events, False)
        try:
            self._popen = subprocess.Popen(
                [sys.executable, "-m", BOOT, str(parent_read), *arguments],
                cwd=ROOT,
                env={
                    **(defaults or {}),
                    **os.environ,
                    **environment,
                    PARENT_FD: str(parent_read),
                    EVENT_FD: str(event_write),
                    "PYTHONUNBUFFERED": "1",
                },
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                pass_fds=(parent_read, event_write),
                start_new_session=True,
            )
        except OSError:
            os.close(self._parent)
            os.close(self._events)
            raise
        finally:
            os.close(parent_read)
            os.close(event_write)
        assert self._popen.stdout is not None  # noqa: S101 - PIPE was asked for
        self._printed = self._popen.stdout.fileno()
        os.set_blocking(self._printed, False)
        self.pid = self._popen.pid
        self.output = output
        self._rest = b""
        self._lines: list[str] = []
        self._selector = selector
        selector.register(self._printed, selectors.EVENT_READ, self._read_output)
        selector.register(self._events, selectors.EVENT_READ, self._read_events)

    def heard(self) -> list[str]:
        """The event lines that arrived since the last call."""
        lines, self._lines = self._lines, []
        return lines

    def ended(self) -> str | None:
        """Why it ended, in words; None while it runs."""
        code = self._popen.poll()
        if code is None:
            return None
        for _ in range(64):
            if not self._read_output():
                break
        while self._read_events():
            pass
        self.output.end()
        self.signal_group(signal.SIGKILL)  # whatever it started itself goes with it
        said = f": {self.output.last_line}" if self.output.last_line else ""
        if code < 0:
            return f"ended by {_signal_name(-code)}"
        return f"ended with exit code {code}{said}"

    @property
    def exit_code(self) -> int | None:
        """Its exit code, negative for a signal; None while it runs."""
        return self._popen.poll()

    def signal_group(self, number: signal.Signals) -> None:
        """Send a signal to the process and all it started."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, number)

    def ask(self, number: signal.Signals) -> None:
        """Send a signal to the process alone."""
        with contextlib.suppress(ProcessLookupError):
            self._popen.send_signal(number)

    def close(self) -> None:
        """Give the pipes back; call it after `ended`."""
        self._forget(self._printed)
        self._forget(self._events)
        os.close(self._parent)
        os.close(self._events)
        if self._popen.stdout is not None:
            self._popen.stdout.close()

    def _read_output(self, _mask: int = 0) -> bool:
        """Move what it printed into its log; True if there may be more."""
        chunk = _read(self._printed)
        if chunk:
            self.output.feed(chunk)
        elif chunk == b"":
            self._forget(self._printed)
        return bool(chunk)

    def _read_events(self, _mask: int = 0) -> bool:
        chunk = _read(self._events)
        if chunk == b"":
            self._forget(self._events)
        *lines, self._rest = (self._rest + (chunk or b"")).split(b"\n")
        self._lines += [line.decode(errors="replace") for line in lines]
        return bool(chunk)

    def _forget(self, descriptor: int) -> None:
        with contextlib.suppress(KeyError):
            self._selector.unregister(descriptor)


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:  # real-time signals have no name
        return f"signal {number}"


def _read(descriptor: int) -> bytes | None:
    """Up to CHUNK bytes; b"" at the end, None when nothing is there now."""
    try:
        return os.read(descriptor, CHUNK)
    except BlockingIOError:
        return None
    except OSError:
        return b""
