"""What the command line prints: lines, tables, ages, the status."""

from __future__ import annotations

import getpass
import os
import sys
import time
from collections.abc import Sequence
from typing import Any


def say(text: str = "") -> None:
    """Print one line for a person."""
    sys.stdout.write(text + "\n")


def rows(head: Sequence[str], lines: Sequence[Sequence[object]]) -> str:
    """A table in columns as wide as their widest cell."""
    cells = [[str(c) for c in line] for line in [head, *lines]]
    widths = [max(len(line[i]) for line in cells) for i in range(len(head))]
    padded = ("  ".join(c.ljust(w) for c, w in zip(line, widths, strict=True)) for line in cells)
    return "\n".join(line.rstrip() for line in padded)


def ago(since: float) -> str:
    """How long ago, in words."""
    seconds = max(0, round(time.time() - since))
    if seconds < 120:
        return f"{seconds} s"
    return f"{seconds // 60} min" if seconds < 7200 else f"{seconds // 3600} h"


def who() -> str:
    """Whose act the audit notes."""
    try:
        return f"terminal:{getpass.getuser()}"
    except (KeyError, OSError):
        return f"terminal:{os.getuid()}"


def show_status(found: dict[str, Any]) -> int:
    """Print a status."""
    engine = found["engine"]
    say(
        f"Engine {engine['state']} (pid {engine['pid']}, started by the {engine['owner']} "
        f"{ago(engine['since'])} ago)"
    )
    say(
        f"API http://127.0.0.1:{engine['api_port']}   data {engine['data']}   logs {engine['logs']}"
    )
    say()
    lines = [
        (s["name"], s["state"], ago(s["since"]), s["pid"] or "-", s["restarts"], s["why"])
        for s in found["services"]
    ]
    say(rows(("SERVICE", "STATE", "SINCE", "PID", "RESTARTS", "WHY"), lines))
    for job in found["jobs"]:
        say(f"job {job['id']}: {job['kind']} runs since {ago(job['since'])} (pid {job['pid']})")
    return 0
