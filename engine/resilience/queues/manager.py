"""Our own queue server, in a process of its own."""

from __future__ import annotations

from pathlib import Path

from engine.broker.client import ManagerBroker
from engine.broker.place import Place, parse_address
from engine.resilience.queues.base import PrivateQueue


class ManagerQueue(PrivateQueue):
    """The queue server of the product, with a journal and a key of its own."""

    name = "manager"

    def check(self) -> None:
        """It needs nothing but Python."""

    @property
    def arguments(self) -> tuple[str, ...]:
        """The server itself."""
        place = place_in(self.folder, self.socket)
        return (
            "engine.broker.server", "--address", self.socket, "--journal", str(place.journal),
            "--key", str(place.key_file),
        )  # fmt: skip

    def address(self, port: int | None = None) -> str:
        """The socket, or a loopback port."""
        return self.socket if port is None else f"tcp://127.0.0.1:{port}"

    @property
    def settings(self) -> dict[str, str]:
        """None: the data folder says it all."""
        return {"CACHESCOPE_QUEUE_BACKEND": self.name, "CACHESCOPE_QUEUE_ADDRESS": ""}

    def struck(self, service: int) -> int:
        """The service is the server."""
        return service

    @staticmethod
    def connect(
        folder: Path, address: str, name: str, client: str, reply_s: float
    ) -> ManagerBroker:
        """The product's client."""
        return ManagerBroker(place_in(folder, address), name, client, reply_s)


def place_in(folder: Path, address: str) -> Place:
    """The place of a queue whose files lie in the folder of a run."""
    return Place(parse_address(address), folder / "queue.key", folder / "queue")
