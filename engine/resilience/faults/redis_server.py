"""`python -m engine.resilience.faults.redis_server`: a Redis server that belongs to one test.

The service beats only while Redis answers, so that whoever supervises it sees a server that hangs.
The server lives in the process group of this service: whatever ends this process ends it too.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
from pathlib import Path

from engine.resilience.child import Child, end

SERVER = "redis-server"
PATHS = os.defpath + ":/usr/sbin:/usr/local/bin"
LOOK_S = 0.05
ANSWER_S = 0.3


def binary() -> str | None:
    """The server's program; None where this machine has none."""
    return shutil.which(SERVER) or shutil.which(SERVER, path=PATHS)


def pid_file(folder: Path) -> Path:
    """Where the pid of the server stands."""
    return folder / "redis.pid"


def main() -> int:
    """Run the server until told to stop; its own end is ours."""
    child = Child("redis")
    found = binary()
    if found is None:
        sys.stderr.write(f"There is no {SERVER} on this machine.\n")
        return 2
    data = child.folder / "queue"
    data.mkdir(exist_ok=True)
    # Each write reaches the file before its reply leaves, so that a kill loses nothing accepted.
    # Python ignores SIGXFSZ, and the server must likewise: a full disk is an error, not its end.
    server = subprocess.Popen(
        [found, "--port", "0", "--unixsocket", child.address, "--unixsocketperm", "700",
         "--dir", str(data), "--appendonly", "yes", "--appendfsync", "no", "--save", ""],
        restore_signals=False,
    )  # fmt: skip
    pid_file(child.folder).write_text(str(server.pid))
    ready, probe = False, Probe(child.address)
    while not child.stopping and server.poll() is None:
        if probe.answered():
            child.lifeline.beat()
            if not ready:
                ready = True
                child.lifeline.ready()
        child.lifeline.wait(LOOK_S)
    end(server)
    return 0 if child.stopping else 1


class Probe:
    """Asks on one connection as long as it holds: a server without handles accepts no other."""

    def __init__(self, where: str) -> None:
        self._where = where
        self._socket: socket.socket | None = None

    def answered(self) -> bool:
        """Whether the server answers in time."""
        try:
            if self._socket is None:
                self._socket = socket.socket(socket.AF_UNIX)
                self._socket.settimeout(ANSWER_S)
                self._socket.connect(self._where)
            self._socket.sendall(b"PING\r\n")
            return self._socket.recv(64).startswith(b"+PONG")
        except OSError:
            if self._socket is not None:
                self._socket.close()  # a late answer would be taken for the next one
            self._socket = None
            return False


if __name__ == "__main__":
    sys.exit(main())
