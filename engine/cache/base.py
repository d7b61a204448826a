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

    @property
    def places(self) -> int:
        """The most results that can be held at once."""
        return self.distinct if self.by_bytes else min(self.capacity, self.distinct)


class Replay(ABC):
    """One simulated cache with its content; not thread-safe.

    A result keeps the size it was loaded with until it is loaded again; one that is larger than
    the whole cache is never held.
    """

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
    idea: ClassVar[str]
    """What it does, in half a sentence."""
    offline: ClassVar[bool] = False
    """Whether it looks into the future, and so is a bound or reference, never a choice."""
    is_choice: ClassVar[bool] = True
    """Whether a real cache could do it; what is not stands beside the others as a limit."""

    @abstractmethod
    def start(self, room: Room, seed: int = 0) -> Replay:
        """An empty cache; `seed` matters to policies that sample.

        Raises:
            PolicyError: the policy is offline, and must be told the future by `start_for`.
        """

    def start_for(self, room: Room, requests: Requests, seed: int = 0) -> Replay:
        """An empty cache that will be fed exactly `requests`, from the first on, in any chunks.

        Only offline policies look at them; every policy can be started this way.
        """
        del requests
        return self.start(room, seed)


class OfflinePolicy(Policy):
    """A policy that must know what will be asked: a bound or a reference, never a choice."""

    offline: ClassVar[bool] = True
    is_choice: ClassVar[bool] = False

    def start(self, room: Room, seed: int = 0) -> Replay:
        """Refused.

        Raises:
            PolicyError: always.
        """
        del room, seed
        raise PolicyError(
            f"{self.title} looks into the future; start it with `start_for` and all requests."
        )

    @abstractmethod
    def start_for(self, room: Room, requests: Requests, seed: int = 0) -> Replay:
        """An empty cache that will be fed exactly `requests`, from the first on."""
