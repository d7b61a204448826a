"""The end of a log file, by service and level."""

from __future__ import annotations

import os
import re
from pathlib import Path

from engine import remote
from engine.actions.store import given
from engine.errors import ControlError
from engine.services import SERVICES
from engine.settings import Settings

LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")
WINDOW = 1_000_000
"""Bytes from the end of a log that are looked at."""

_LEVEL = re.compile(r"^\S+Z ([A-Z]+) ")
_JOB = re.compile(r"job-([0-9a-zA-Z_-]{1,40})")


def log_names() -> list[str]:
    """What `tail_log` accepts, apart from `job-ID`."""
    return ["engine", *SERVICES]


def log_file(service: str, settings: Settings | None = None) -> Path:
    """The log of a service, of `engine` (the supervisor) or of `job-ID`.

    Raises:
        ControlError: there is no such service.
    """
    folder = given(settings).log_path
    job = _JOB.fullmatch(service)
    if job:
        return folder / "jobs" / f"{job[1]}.log"
    if service not in log_names():
        raise ControlError(
            f"There is no log of {service!r}; choose one of: {', '.join(log_names())}, job-ID."
        )
    return folder / f"{service}.log"


def tail_log(
    service: str, lines: int = 100, level: str = "DEBUG", settings: Settings | None = None
) -> list[str]:
    """The last `lines` lines of a log at `level` or above, oldest first.

    A line without a level (part of a traceback, for one) belongs to the line before it.

    Raises:
        ControlError: there is no such service or level.
    """
    known = given(settings)
    if known.engine_url:
        told = remote.get(known, "logs", service, lines=lines, level=level)
        return [str(line) for line in told["lines"]]
    if level.upper() not in LEVELS:
        raise ControlError(f"There is no level {level!r}; choose one of: {', '.join(LEVELS)}.")
    path = log_file(service, known)
    found = _end_of(path)
    if len(found) < lines:
        found = _end_of(path.with_name(path.name + ".1")) + found
    least = LEVELS.index(level.upper())
    kept: list[str] = []
    keeps = least <= LEVELS.index("INFO")
    for line in found:
        match = _LEVEL.match(line)
        if match and match[1] in LEVELS:
            keeps = LEVELS.index(match[1]) >= least
        if keeps:
            kept.append(line)
    return kept[-lines:] if lines > 0 else []


def _end_of(path: Path) -> list[str]:
    try:
        with path.open("rb") as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(max(0, size - WINDOW))
            text = file.read().decode(errors="replace").splitlines()
    except FileNotFoundError:
        return []
    return text[1:] if size > WINDOW else text
