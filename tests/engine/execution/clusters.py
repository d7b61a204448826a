"""A Ray cluster of one node in processes of its own; `close` leaves none of them behind.

Where the system lets us, the node does not see our packages: they must come with the job.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from pathlib import Path

from engine.settings import ROOT
from tests.engine.stubs.running import until

HIDE = " && ".join(
    [
        "mount --make-rprivate /",
        *(f"mount -t tmpfs none {ROOT / package}" for package in ("engine", "db", "mock")),
        "cd / && exec ",
    ]
)


def may_hide() -> bool:
    """Whether this user may make a file system that a process alone sees."""
    tried = ["unshare", "-m", "sh", "-c", "mount -t tmpfs none /mnt"]
    try:
        return subprocess.run(tried, capture_output=True, check=False).returncode == 0
    except OSError:
        return False


class Cluster:
    """One head node on free ports of loopback."""

    def __init__(self, processors: int = 2) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="ray-", dir="/tmp"))
        self.port = free_port()
        self.address = f"127.0.0.1:{self.port}"
        program = Path(sys.executable).parent / "ray"
        start = [
            str(program), "start", "--head", "--block", f"--port={self.port}",
            "--node-ip-address=127.0.0.1", "--include-dashboard=false", "--disable-usage-stats",
            f"--num-cpus={processors}", "--object-store-memory=100000000",
            f"--temp-dir={self.folder}",
        ]  # fmt: skip
        ports = ("dashboard-agent-grpc", "dashboard-agent-listen")
        start += [f"--{name}-port={free_port()}" for name in ports]
        self.is_hidden = may_hide()
        command = ["unshare", "-m", "sh", "-c", HIDE + " ".join(start)] if self.is_hidden else start
        self.log = (self.folder / "start.log").open("wb")
        self.process = subprocess.Popen(
            command,
            env={**os.environ, "RAY_USAGE_STATS_ENABLED": "0"},
            stdout=self.log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        until(self._is_up, 60)

    def workers(self) -> list[int]:
        """Processes of this cluster that carry an order out."""
        found = []
        for pid in self.pids():
            try:
                name = Path(f"/proc/{pid}/cmdline").read_bytes()
            except OSError:
                continue
            if name.startswith(b"ray::Node"):
                found.append(pid)
        return found

    def pids(self) -> list[int]:
        """All processes of this cluster: they are of one session."""
        seen = [int(place.name) for place in Path("/proc").iterdir() if place.name.isdecimal()]
        return [pid for pid in seen if self._is_ours(pid)]

    def close(self) -> None:
        """End it and everything it started."""
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(15)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait(5)
        for pid in self.pids():
            os.kill(pid, signal.SIGKILL)
        until(lambda: not self.pids())
        self.log.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _is_up(self) -> bool:
        assert self.process.poll() is None, (self.folder / "start.log").read_text()
        return "Ray runtime started" in (self.folder / "start.log").read_text()

    def _is_ours(self, pid: int) -> bool:
        try:
            stat = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            return stat[0] != "Z" and (
                int(stat[3]) == self.process.pid
                or str(self.folder).encode() in Path(f"/proc/{pid}/environ").read_bytes()
            )
        except OSError:
            return False


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
