"""The queue server that trials use: the running engine's, else one of their own."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from engine.broker.base import Broker
from engine.broker.client import ManagerBroker, connect
from engine.broker.place import Place
from engine.control import is_running
from engine.errors import BrokerError, StudyError
from engine.lifeline import PARENT_FD
from engine.settings import ROOT, Settings

START_S = 15.0


class Queues:
    """Named queues for trials; a server that was started for them ends with this process."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._folder: Path | None = None
        self._server: subprocess.Popen[bytes] | None = None
        self._parent = -1
        self._place: Place | None = None
        if settings.queue_backend == "manager" and not is_running(settings):
            self._start()

    def open(self, name: str, client: str) -> Broker:
        """The queue `name` as `client` sees it."""
        if self._place is None:
            return connect(self._settings, name, client)
        return ManagerBroker(self._place, name, client)

    def drop(self, name: str) -> None:
        """Remove a queue that is used no more; one that cannot be reached is gone anyhow."""
        broker = self.open(f"{name}-end", "study")
        with contextlib.suppress(BrokerError):
            broker.drop(name)
            broker.drop(f"{name}-end")
        broker.close()

    def close(self) -> None:
        """End the own server, if there is one."""
        if self._server is not None:
            self._server.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._server.wait(5)
            if self._server.poll() is None:
                self._server.kill()
                self._server.wait()
            os.close(self._parent)
            self._server = None
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)

    def _start(self) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="cachescope-study-"))
        place = Place(
            str(self._folder / "q.sock"), self._folder / "queue.key", self._folder / "queue"
        )
        ours, self._parent = os.pipe()
        arguments = ("--address", str(place.address), "--journal", str(place.journal))
        self._server = subprocess.Popen(
            [
                sys.executable,
                "-m",
                "engine.broker.server",
                *arguments,
                "--key",
                str(place.key_file),
            ],
            cwd=ROOT,
            env={**os.environ, PARENT_FD: str(ours)},
            pass_fds=(ours,),
            stderr=subprocess.DEVNULL,
            # Ctrl-C goes to a whole group: the worker must end first, else its trial would fail.
            start_new_session=True,
        )
        os.close(ours)
        self._place = place
        self._await()

    def _await(self) -> None:
        assert self._server is not None  # noqa: S101 - just started
        end = time.monotonic() + START_S
        while self._server.poll() is None and time.monotonic() < end:
            probe = self.open("probe", "study")
            try:
                probe.counters()
            except BrokerError:
                time.sleep(0.02)
            else:
                return
            finally:
                probe.close()
        self.close()
        raise StudyError("The queue server for the trials did not start; see whether /tmp is full.")
