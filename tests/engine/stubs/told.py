"""Stands for a lifeline: notes what a service says of itself."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any


class Told:
    """What a service says of itself."""

    def __init__(self) -> None:
        self.stopping = threading.Event()
        self.said: list[str] = []
        self.beats = 0

    def standby(self, holder: str) -> None:
        self.said.append(f"standby {holder}")

    def degraded(self, why: str) -> None:
        self.said.append(why)

    def recovered(self) -> None:
        self.said.append("recovered")

    def ready(self) -> None:
        pass

    def beat(self, _progress: int = 0) -> None:
        self.beats += 1

    def wait(self, seconds: float) -> None:
        self.stopping.wait(min(seconds, 0.05))


def until(condition: Callable[[], Any], seconds: float = 15) -> bool:
    end = time.monotonic() + seconds
    while time.monotonic() < end and not condition():
        time.sleep(0.02)
    return bool(condition())
