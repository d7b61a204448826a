"""Names of files and what their endings say of compression."""

from __future__ import annotations

from pathlib import Path

PACKED = (".gz", ".xz", ".zst", ".bz2")


def bare_name(path: Path) -> str:
    """The file's name without the endings of compression."""
    name = path.name
    while name.endswith(PACKED):
        name = name[: name.rindex(".")]
    return name
