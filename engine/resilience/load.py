"""Open-loop load: each record has an intended moment that no slow answer can move."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec

from engine.resilience.facts import NS


class Step(msgspec.Struct, frozen=True):
    """`count` records, one every `pause_s`, put in calls of at most `batch`."""

    count: int
    pause_s: float
    batch: int = 50
    lead_s: float = 0.0
    """A pause before the first."""

    @property
    def seconds(self) -> float:
        """How long it lasts as intended."""
        return self.lead_s + self.count * self.pause_s


class Load(msgspec.Struct, frozen=True):
    """What a producer sends: steps one after the other, from a monotonic moment on."""

    begin: int
    steps: tuple[Step, ...]

    def intended(self) -> Iterator[tuple[int, int]]:
        """Each record's intended moment (monotonic ns) and largest batch."""
        at = float(self.begin)
        for step in self.steps:
            at += step.lead_s * NS
            for _ in range(step.count):
                yield int(at), step.batch
                at += step.pause_s * NS


def lasting(steps: Sequence[Step]) -> float:
    """How long steps last as intended, s."""
    return sum(step.seconds for step in steps)


def steady(rate: float, seconds: float) -> Step:
    """`rate` records a second for `seconds`."""
    return Step(max(1, round(rate * seconds)), 1.0 / rate)


def write_load(path: Path, load: Load) -> None:
    """Put a load where producers look for it; they see all of it or nothing."""
    draft = path.with_suffix(".draft")
    draft.write_bytes(msgspec.json.encode(load))
    draft.replace(path)


def read_load(path: Path) -> Load | None:
    """The load, if there is one yet."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=Load)
    except FileNotFoundError:
        return None
