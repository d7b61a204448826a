"""A real queue server process for tests: start, kill, stop, start again in the same place."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from engine.broker.client import ManagerBroker
from engine.broker.place import Place, parse_address
from engine.errors import BrokerError

ROOT = Path(__file__).resolve().parents[3]


class Serving:
    """One place and the server process that serves it."""

    def __init__(self, folder: Path, address: str = "") -> None:
        run = folder / "run"
        folder.mkdir(parents=True, exist_ok=True)
        self.place = Place(
            address=parse_address(address or str(run / "q.sock")),
            key_file=folder / "queue.key",
            journal=folder / "queue",
        )
        self.log = folder / "server.log"
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> Serving:
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "engine.broker.server", *self.arguments()],
                cwd=ROOT,
                stderr=log,
            )
        return self

    def arguments(self) -> list[str]:
        address = self.place.address
        text = address if isinstance(address, str) else f"tcp://{address[0]}:{address[1]}"
        return [
            *("--address", text),
            *("--journal", str(self.place.journal)),
            *("--key", str(self.place.key_file)),
        ]

    def signal(self, number: signal.Signals) -> None:
        assert self.process is not None
        self.process.send_signal(number)
        while number == signal.SIGSTOP and self._state() != "T":
            time.sleep(0.001)

    def _state(self) -> str:
        return Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()[0]

    def kill(self) -> None:
        assert self.process is not None
        self.process.kill()
        self.process.wait(10)

    def close(self) -> None:
        if self.process is None or self.process.poll() is not None:
            return
        self.process.send_signal(signal.SIGCONT)
        self.process.terminate()
        try:
            self.process.wait(5)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait(5)

    def broker(self, client: str = "agent", reply_s: float = 5.0, name: str = "q") -> ManagerBroker:
        return ManagerBroker(self.place, name, client, reply_s)

    def wait_ready(self) -> Serving:
        broker = self.broker("probe", name="probe")
        end = time.monotonic() + 10
        while True:
            try:
                broker.counters()
                break
            except BrokerError:
                if time.monotonic() > end:
                    raise
        broker.close()
        return self

    @property
    def pid(self) -> int:
        assert self.process is not None
        return self.process.pid

    def files(self) -> list[Path]:
        return list(Path(f"/proc/{self.pid}/fd").iterdir())

    def cpu_seconds(self) -> float:
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def threads(self) -> int:
        return len(list(Path(f"/proc/{self.pid}/task").iterdir()))
