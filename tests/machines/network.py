"""Several machines on this one: each host has a network, a `/tmp` and a name of its own.

They are joined by a bridge in a network namespace of its own, where a gateway stands for the
database's machine. Nothing of the real machine's network is touched.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path

from engine.settings import ROOT
from tests.engine.stubs.running import until

PREFIX = "10.77.0"
GATEWAY = f"{PREFIX}.1"
NOT_PERMITTED = "not permitted here: "
"""How the reason of a skip begins that no server would cure; `.ci/run` lets these pass."""

_CLONE_NEWNET = 0x40000000


def why_not() -> str:
    """Why no such network can be made here, in words; empty if it can."""
    links = "ip link add tried0 type veth peer name tried1 && ip link add tried2 type bridge"
    tried = f"mount -t tmpfs none /tmp && {links}"
    try:
        made = subprocess.run(
            ["unshare", "-n", "-m", "-u", "sh", "-c", tried],
            capture_output=True,
            text=True,
            check=False,
        )
    except OSError as error:
        return f"{NOT_PERMITTED}network namespaces ({error})"
    return "" if made.returncode == 0 else f"{NOT_PERMITTED}namespaces ({made.stderr.strip()})"


class Host:
    """One machine; `run` and `start` do something on it."""

    def __init__(self, name: str, address: str) -> None:
        self.name, self.address = name, address
        self._running: list[subprocess.Popen[str]] = []
        setup = (
            "mount --make-rprivate / && mount -t tmpfs none /tmp && "
            f"hostname {name} && ip link set lo up && echo ready && exec sleep infinity"
        )
        self._holder = subprocess.Popen(
            ["unshare", "-n", "-m", "-u", "sh", "-c", setup],
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        assert self._holder.stdout is not None
        assert self._holder.stdout.readline() == "ready\n"
        self.pid = self._holder.pid

    def run(
        self, *command: str, environment: Mapping[str, str] | None = None, seconds: float = 120
    ) -> subprocess.CompletedProcess[str]:
        """Run a command on this machine to its end."""
        return subprocess.run(
            self._entered(command),
            cwd=ROOT,
            env=_environment(environment),
            capture_output=True,
            text=True,
            timeout=seconds,
            check=False,
        )

    def python(
        self, *arguments: str, environment: Mapping[str, str] | None = None, seconds: float = 120
    ) -> str:
        """What Python prints there; it must end well."""
        done = self.run(sys.executable, *arguments, environment=environment, seconds=seconds)
        assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
        return done.stdout

    def start(
        self, *arguments: str, log: Path, environment: Mapping[str, str] | None = None
    ) -> subprocess.Popen[str]:
        """Start Python with these arguments there; `close` ends it."""
        with log.open("w") as file:
            process = subprocess.Popen(
                self._entered((sys.executable, *arguments)),
                cwd=ROOT,
                env=_environment(environment),
                stdout=file,
                stderr=subprocess.STDOUT,
                text=True,
                start_new_session=True,
            )
        self._running.append(process)
        return process

    def close(self) -> None:
        """End everything on it."""
        for process in self._running:
            process.send_signal(signal.SIGTERM)
        for process in self._running:
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait(5)
        os.killpg(self.pid, signal.SIGKILL)
        self._holder.wait(5)

    def _entered(self, command: tuple[str, ...]) -> list[str]:
        # --wdns keeps the folder: the new mounts hide /tmp alone.
        return ["nsenter", "-t", str(self.pid), "-n", "-m", "-u", f"--wdns={ROOT}", *command]


def _environment(more: Mapping[str, str] | None) -> dict[str, str]:
    ours = {k: v for k, v in os.environ.items() if not k.startswith(("CACHESCOPE_", "DB_"))}
    return {**ours, **(more or {})}


class Gateway:
    """A port of the bridge's network that leads to a server on the real machine's loopback."""

    def __init__(self, lan: int, target: tuple[str, int]) -> None:
        self._target = target
        self._listener = listening_in(lan)
        self.port = int(self._listener.getsockname()[1])
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        """Let nobody in any more."""
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._listener.accept()
                far = socket.create_connection(self._target)
            except OSError:
                return
            for one, other in ((near, far), (far, near)):
                threading.Thread(target=_forward, args=(one, other), daemon=True).start()


def _forward(source: socket.socket, target: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(65536):
            target.sendall(data)
    for one in (source, target):
        with contextlib.suppress(OSError):
            one.shutdown(socket.SHUT_RDWR)


def listening_in(pid: int) -> socket.socket:
    """A socket that listens in the network of process `pid`; a socket stays where it was made."""
    found: list[socket.socket] = []

    def listen() -> None:  # a thread of its own: entering a network moves the calling thread alone
        with Path(f"/proc/{pid}/ns/net").open() as there:
            libc = ctypes.CDLL(None, use_errno=True)
            if libc.setns(there.fileno(), _CLONE_NEWNET) == 0:
                found.append(socket.create_server((GATEWAY, 0)))

    thread = threading.Thread(target=listen)
    thread.start()
    thread.join()
    assert found, "the network could not be entered"
    return found[0]


@contextlib.contextmanager
def network(*names: str) -> Iterator[tuple[int, list[Host]]]:
    """Hosts of these names on one bridge; gives the process whose network the bridge is in."""
    with contextlib.ExitStack() as ends:
        lan = subprocess.Popen(["unshare", "-n", "sleep", "infinity"], start_new_session=True)
        ends.callback(lan.wait, 5)
        ends.callback(lan.kill)
        until(lambda: _net_of(lan.pid) != _net_of(os.getpid()))
        _in(lan.pid, "ip link add br0 type bridge")
        _in(lan.pid, f"ip addr add {GATEWAY}/24 dev br0")
        _in(lan.pid, "ip link set br0 up")
        hosts = []
        for number, name in enumerate(names, 2):
            host = Host(name, f"{PREFIX}.{number}")
            ends.callback(host.close)
            _in(lan.pid, f"ip link add to{number} type veth peer name eth0 netns {host.pid}")
            _in(lan.pid, f"ip link set to{number} master br0 up")
            _in(host.pid, f"ip addr add {host.address}/24 dev eth0")
            _in(host.pid, "ip link set eth0 up")
            hosts.append(host)
        yield lan.pid, hosts


def _net_of(pid: int) -> str:
    return str(Path(f"/proc/{pid}/ns/net").readlink())


def _in(pid: int, command: str) -> None:
    subprocess.run(["nsenter", "-t", str(pid), "-n", *command.split()], check=True)
