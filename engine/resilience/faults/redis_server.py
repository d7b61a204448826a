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

from engine.resilience.child import Child

SERVER = "redis-server"
PATHS = os.defpath + ":/usr/sbin:/usr/local/bin"
LOOK_S = 0.05
ANSWER_S = 0.3
END_S = 1.0


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
    ready = False
    while not child.stopping and server.poll() is None:
        if _answers(child.address):
            child.lifeline.beat()
            if not ready:
                ready = True
                child.lifeline.ready()
        child.lifeline.wait(LOOK_S)
    server.terminate()
    try:
        server.wait(END_S)
    except subprocess.TimeoutExpired:
        server.kill()
        server.wait()
    return 0 if child.stopping else 1


def _answers(where: str) -> bool:
    try:
        with socket.socket(socket.AF_UNIX) as probe:
            probe.settimeout(ANSWER_S)
            probe.connect(where)
            probe.sendall(b"PING\r\n")
            return probe.recv(16).startswith(b"+PONG")
    except OSError:
        return False


if __name__ == "__main__":
    sys.exit(main())
