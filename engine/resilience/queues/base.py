"""What every private queue can do, whichever backend serves it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from pathlib import Path
from typing import ClassVar

from engine.broker.base import Broker


class PrivateQueue(ABC):
    """The queue of one private pipeline.

    Args:
        folder: of the run.
        socket: where its server listens.
    """

    name: ClassVar[str]
    """The backend's."""

    def __init__(self, folder: Path, socket: str) -> None:
        self.folder = folder
        self.socket = socket

    @abstractmethod
    def check(self) -> None:
        """See that it can be served here.

        Raises:
            Untestable: this machine lacks what it needs.
        """

    @property
    @abstractmethod
    def arguments(self) -> tuple[str, ...]:
        """What follows `python -m` in the service that serves it."""

    @abstractmethod
    def address(self, port: int | None = None) -> str:
        """Where clients find it: itself, or a proxy on a loopback port."""

    @property
    @abstractmethod
    def settings(self) -> dict[str, str]:
        """Settings by which the product's own services use it."""

    @abstractmethod
    def struck(self, service: int) -> int:
        """The pid that a fault strikes, given that of the service: the process of the server."""

    @staticmethod
    @abstractmethod
    def connect(folder: Path, address: str, name: str, client: str, reply_s: float) -> Broker:
        """The product's own client of it."""
