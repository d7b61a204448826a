"""What a scenario asks of the viewers of a dashboard, and what these tell of it, as files.

The viewers speak Streamlit's messages and live in `dashboard.storm`; the engine knows them as a
module that it starts.
"""

from __future__ import annotations

from pathlib import Path

import msgspec


class Storm(msgspec.Struct, frozen=True):
    """What is asked: how many viewers for how long."""

    url: str
    pages: list[str]
    viewers: int
    seconds: float
    """While these last pages are opened; afterwards those that were are waited for."""
    grace_s: float
    """How long the last ones are waited for."""


class Stormed(msgspec.Struct):
    """What came of it."""

    left: int = 0
    """Pages that were left before they were drawn, on purpose."""
    took_s: list[float] = msgspec.field(default_factory=list)
    """Seconds from opening a page until it was drawn, or until nobody waited any longer."""
    late: list[str] = msgspec.field(default_factory=list)
    """Pages that nobody waited for any longer."""
    unanswered: list[str] = msgspec.field(default_factory=list)
    """Why a page was not answered, of each that was refused or cut off."""
    broken: list[str] = msgspec.field(default_factory=list)
    """Pages that showed an error of their own code."""

    @property
    def opened(self) -> int:
        """Pages that the dashboard began."""
        return self.left + len(self.took_s)

    @property
    def answered_share(self) -> float:
        """Of the pages that were waited for; 0 where there was none."""
        return len(self.took_s) / max(len(self.took_s) + len(self.unanswered), 1)


def wish_file(folder: Path) -> Path:
    """Where the viewers look for what is asked."""
    return folder / "storm.json"


def answer_file(folder: Path) -> Path:
    """Where they tell what came of it."""
    return folder / "stormed.json"


def write(path: Path, told: Storm | Stormed) -> None:
    """Write so that a reader finds all of it or nothing."""
    part = path.with_suffix(".part")
    part.write_bytes(msgspec.json.encode(told))
    part.replace(path)


def read_wish(folder: Path) -> Storm | None:
    """What is asked; None as long as nothing is."""
    path = wish_file(folder)
    return msgspec.json.decode(path.read_bytes(), type=Storm) if path.exists() else None


def read_answer(folder: Path) -> Stormed | None:
    """What came of it; None as long as it goes on."""
    path = answer_file(folder)
    return msgspec.json.decode(path.read_bytes(), type=Stormed) if path.exists() else None
