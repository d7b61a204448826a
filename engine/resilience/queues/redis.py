"""A Redis server that belongs to one test; a service of ours starts and watches it."""

from __future__ import annotations

import contextlib
from pathlib import Path

from engine.broker.redis import RedisBroker
from engine.resilience.base import Untestable
from engine.resilience.faults.redis_server import SERVER, binary, pid_file
from engine.resilience.queues.base import PrivateQueue


class RedisQueue(PrivateQueue):
    """The Redis backend over a private server."""

    name = "redis"

    def check(self) -> None:
        """See that there is a server to start.

        Raises:
            Untestable: there is none.
        """
        if binary() is None:
            raise Untestable(
                f"This machine has no {SERVER} to start, and a Redis that the test did not start "
                f"is never harmed; install {SERVER} to run tests on the redis backend."
            )

    @property
    def arguments(self) -> tuple[str, ...]:
        """The service that starts it."""
        module = "engine.resilience.faults.redis_server"
        return (module, "--folder", str(self.folder), "--address", self.socket)

    def address(self, port: int | None = None) -> str:
        """Its URL, or that of a loopback port."""
        return f"unix://{self.socket}" if port is None else f"redis://127.0.0.1:{port}/0"

    @property
    def settings(self) -> dict[str, str]:
        """The backend and its URL."""
        return {
            "CACHESCOPE_QUEUE_BACKEND": self.name,
            "CACHESCOPE_QUEUE_ADDRESS": self.address(),
        }

    def struck(self, service: int) -> int:
        """The server itself, not what watches it; that while none is there."""
        with contextlib.suppress(OSError, ValueError):
            return int(pid_file(self.folder).read_text())
        return service

    @staticmethod
    def connect(folder: Path, address: str, name: str, client: str, reply_s: float) -> RedisBroker:
        """The product's client."""
        _ = folder
        return RedisBroker(address, name, client, reply_s=reply_s)
