"""What each process of a test did, one JSON line an event, in a file of its own.

Lines are appended with single writes, so that a killed process leaves at most one torn last line,
which readers skip. All times are CLOCK_MONOTONIC, which the processes of one machine share.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path

import msgspec


class What(StrEnum):
    """Kinds of events."""

    STARTED = "started"
    """A process can work."""
    OFFERED = "offered"
    """A record is about to be put; whether it was accepted shows the next event."""
    ACCEPTED = "accepted"
    REFUSED = "refused"
    """The queue said no, in a sentence."""
    OVERWRITTEN = "overwritten"
    FAILED = "failed"
    """A call had no answer; whether it happened is open."""
    HANDED = "handed"
    ACKNOWLEDGED = "acknowledged"
    """The call that carried the acknowledgement came back."""
    QUEUED = "queued"
    """Still there at the end."""
    RECORDED = "recorded"
    """A metric row was handed to its writer."""
    STORED = "stored"
    """A metric row was found in the store at the end."""
    FINISHED = "finished"
    """A producer has put all it had to."""
    PHASE = "phase"
    """The runner says what comes now: steady, fault, after, end."""
    INJECTED = "injected"
    HEALED = "healed"
    SAMPLE = "sample"
    """The queue's counters at one moment."""
    SILENT = "silent"
    """The queue did not answer the monitor."""
    STATE = "state"
    """A service changed its state."""
    GONE = "gone"
    """A process that was killed has been seen to be gone."""
    LEFT = "left"
    """Something that should be gone and is not."""
    HANDLES = "handles"
    """`value` is how many file handles a process (`id`) has, `note` when: before or after."""
    SWEPT = "swept"
    """The runner has looked for what was left."""
    CROWD = "crowd"
    """`value` is the share of all cores that other programs took during the test."""
    REFERENCE = "reference"
    """`value` is how long the bare start of a Python process took just then, s."""
    PROOF = "proof"
    """A scenario's own observation: `note` names it, `value` is the figure, `limit` its bound."""


class Counted(msgspec.Struct, frozen=True, array_like=True):
    """The queue's counters, as `engine.broker.base.Counters` tells them."""

    epoch: int
    depth: int
    leased: int
    accepted: int
    duplicates: int
    handed_out: int
    acknowledged: int
    overwritten: int
    expired: int
    damaged: int = 0


class Event(msgspec.Struct, frozen=True, omit_defaults=True):
    """One thing that happened; times in monotonic nanoseconds, 0 where unknown."""

    at: int
    by: str
    what: What
    id: str = ""
    sent: int = 0
    accepted: int = 0
    handed: int = 0
    again: bool = False
    note: str = ""
    value: float = 0.0
    limit: float = 0.0
    counted: Counted | None = None


_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(Event).decode


class History:
    """Appends to one process's file; `flush` makes what was added last."""

    def __init__(self, folder: Path, by: str) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.by = by
        self._waiting: list[bytes] = []
        self._handle = os.open(
            folder / f"{by}-{os.getpid()}.jsonl",
            os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC,
            0o600,
        )

    def add(self, what: What, at: int = 0, **fields: object) -> None:
        """Note an event; `fields` are those of `Event`."""
        made = {"at": at or time.monotonic_ns(), "by": self.by, "what": what, **fields}
        self._waiting.append(_encode(msgspec.convert(made, Event, strict=False)))

    def flush(self) -> None:
        """Write what is waiting in one call."""
        if self._waiting:
            waiting, self._waiting = self._waiting, []
            os.write(self._handle, b"\n".join(waiting) + b"\n")

    def tell(self, what: What, **fields: object) -> None:
        """Note an event and write it at once."""
        self.add(what, **fields)  # type: ignore[arg-type]
        self.flush()

    def close(self) -> None:
        """Write what is waiting and give the file back."""
        self.flush()
        os.close(self._handle)


def read_file(path: Path) -> list[Event]:
    """The events of one file in their order; damaged lines are skipped."""
    found: list[Event] = []
    for line in path.read_bytes().splitlines():
        try:
            found.append(_decode(line))
        except (msgspec.DecodeError, UnicodeDecodeError):
            continue
    return found


def read_all(folder: Path) -> list[Event]:
    """The events of all processes by time; those of one process keep their order."""
    return sorted(_all(folder), key=lambda event: event.at)


def _all(folder: Path) -> Iterator[Event]:
    for path in sorted(folder.glob("*.jsonl")):
        yield from read_file(path)
