"""Workloads: when which request comes. The same for live traffic, seeding and comparisons.

A workload is a deterministic function of its seed and the time it starts at. Arrivals are a
Poisson process whose rate follows `intensity` (Lewis and Shedler's thinning); its mean over a day
is 1, so that every workload sends `rate` requests per second in the long run.
"""

from __future__ import annotations

import math
import random
from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import NamedTuple

from mock.drawing import Draw, Sampler
from mock.openapi import Catalogue


class Arrival(NamedTuple):
    """One request to come: its time (seconds since the epoch) and what to ask for."""

    at: float
    draw: Draw


class Workload(ABC):
    """A stream of requests.

    Args:
        catalogue: what can be requested.
        rate: mean requests per second; may be changed while arrivals are taken.
        seed: equal seeds give equal streams.
        day_s: seconds of a simulated day.
    """

    peak = 1.0
    """The greatest intensity."""

    def __init__(self, catalogue: Catalogue, rate: float, seed: int, day_s: float) -> None:
        self.rate = rate
        self.seed = seed
        self.day_s = day_s
        self.random = random.Random(seed)
        self.sampler = Sampler(catalogue)

    def arrivals(self, start: float) -> Iterator[Arrival]:
        """Requests in order of time, without end."""
        at = start
        while True:
            at += self.random.expovariate(self.rate * self.peak)
            if self.random.random() * self.peak < self.intensity(at):
                yield Arrival(at, self.draw(at))

    def intensity(self, at: float) -> float:  # noqa: ARG002 - a steady stream ignores time
        """Rate at a time, relative to the mean."""
        return 1.0

    @abstractmethod
    def draw(self, at: float) -> Draw:
        """What is asked for at a time."""

    def chance(self, *number: int) -> random.Random:
        """Random numbers that belong to the seed and `number`, whenever they are asked for."""
        return random.Random(f"{self.seed}/{number}")


class Zipf(Workload):
    """Steady traffic: few requests are asked for often, many rarely, recent days most of all."""

    def draw(self, at: float) -> Draw:
        """A request from the fixed popularity."""
        return self.sampler.draw(self.random, at)


class Daily(Workload):
    """A daily cycle: quiet nights, a busy noon, and other endpoints in the evening than at noon."""

    peak = 1.7
    _parts = 24

    def intensity(self, at: float) -> float:
        """Least at the day's start, most in its middle."""
        return 1 - 0.7 * math.cos(2 * math.pi * (at % self.day_s) / self.day_s)

    def draw(self, at: float) -> Draw:
        """A request whose endpoint follows the time of day."""
        part = int((at % self.day_s) / self.day_s * self._parts)
        return self.sampler.draw(self.random, at, self.sampler.swung(part / self._parts))


class Bursts(Workload):
    """Steady traffic with sudden bursts on one endpoint."""

    peak = 4.0
    _windows = 10
    """Windows a day; three in ten hold a burst, which lasts a quarter of its window."""

    _window = (-1, 0.0, 0)

    def _burst(self, at: float) -> int | None:
        """The operation that bursts at a time; None in quiet times."""
        window_s = self.day_s / self._windows
        number = int(at // window_s)
        if self._window[0] != number:
            chance = self.chance(number)
            begin = chance.random() * 0.75 if chance.random() < 0.3 else 2.0
            self._window = (number, begin, chance.randrange(self.sampler.count))
        _, begin, operation = self._window
        return operation if begin <= (at % window_s) / window_s < begin + 0.25 else None

    def intensity(self, at: float) -> float:
        """Four times the mean in a burst."""
        quiet = (1 - 0.3 * 0.25 * self.peak) / (1 - 0.3 * 0.25)
        return quiet if self._burst(at) is None else self.peak

    def draw(self, at: float) -> Draw:
        """In a burst mostly one operation."""
        burst = self._burst(at)
        if burst is not None and self.random.random() < 0.8:
            return self.sampler.draw_one(self.random, at, burst)
        return self.sampler.draw(self.random, at)


class Shift(Workload):
    """Popularity that changes abruptly, four times a day: what was rare becomes popular."""

    def draw(self, at: float) -> Draw:
        """A request from the popularity of the present quarter of the day."""
        quarter = int(at // (self.day_s / 4))
        return self.sampler.draw(self.random, at, self.sampler.shuffled(self.seed, quarter))


class Scan(Workload):
    """Steady traffic polluted by a scan that asks for everything once, one after the other."""

    share = 0.3

    def __init__(self, catalogue: Catalogue, rate: float, seed: int, day_s: float) -> None:
        super().__init__(catalogue, rate, seed, day_s)
        self._scan = self.sampler.everything()

    def draw(self, at: float) -> Draw:
        """The scan's next request, or a popular one."""
        if self.random.random() < self.share:
            return next(self._scan)(at)
        return self.sampler.draw(self.random, at)


WORKLOADS: dict[str, type[Workload]] = {
    "zipf": Zipf,
    "daily": Daily,
    "bursts": Bursts,
    "shift": Shift,
    "scan": Scan,
}
