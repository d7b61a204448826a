"""What an eviction policy is to the simulator: requests in, hits out, its state carried along."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from engine.errors import PolicyError
from engine.traces.trace import Requests


@dataclass(frozen=True, slots=True)
class Room:
    """How much a simulated cache holds.

    Args:
        capacity: results, or bytes where `by_bytes`; at least 1.
        by_bytes: whether sizes count.
        distinct: number of keys that may be asked for (sizes the tables).

    Raises:
        PolicyError: the capacity is below 1.
    """

    capacity: int
    by_bytes: bool
    distinct: int

    def __post_init__(self) -> None:
        if self.capacity < 1:
            raise PolicyError(f"A cache of {self.capacity} holds nothing; give a size from 1 on.")


class Replay(ABC):
    """One simulated cache with its content; not thread-safe."""

    @abstractmethod
    def feed(self, requests: Requests) -> NDArray[np.bool_]:
        """Replay the next requests; True where the result was held, bool[n]."""


class Policy(ABC):
    """A named rule of what to hold. Holds no state of its own; every `start` is a new cache.

    Class attributes describe it in tables, pages and documents.
    """

    name: ClassVar[str]
    title: ClassVar[str]
    """As people write it: "W-TinyLFU"."""
    paper: ClassVar[str]
    """Authors, title, venue and year of its source."""
    offline: ClassVar[bool] = False
    """Whether it looks into the future, and so is a bound or reference, never a choice."""

    @abstractmethod
    def start(self, room: Room, seed: int = 0) -> Replay:
        """An empty cache; `seed` matters to policies that sample."""

    def needs_future(self) -> bool:
        """Whether `start` must be told the whole trace first (see `engine.cache.belady`)."""
        return self.offline
