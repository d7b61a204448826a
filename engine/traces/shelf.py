"""Where traces lie: one folder each under the data folder, listed, found and removed by name."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

from engine.errors import TraceError
from engine.settings import Settings
from engine.traces.endings import bare_name
from engine.traces.info import ABOUT, TraceInfo, load_info

_NAME = re.compile(r"^[A-Za-z0-9][A-Za-z0-9._-]{0,79}$")


def traces_path(settings: Settings) -> Path:
    """The folder of all traces."""
    return settings.data_path / "traces"


def folder_of(name: str, settings: Settings) -> Path:
    """The folder of the trace `name`, whether there is one or not.

    Raises:
        TraceError: that cannot be a name.
    """
    if not _NAME.match(name):
        raise TraceError(
            f"{name[:80]!r} cannot name a trace; use letters, digits, '.', '-' and '_', at most 80."
        )
    return traces_path(settings) / name


def is_there(name: str, settings: Settings) -> bool:
    """Whether there is a trace of that name."""
    return bool(_NAME.match(name)) and (traces_path(settings) / name / ABOUT).is_file()


def name_for(path: Path) -> str:
    """The name that a file's trace gets if none is given."""
    stem = bare_name(path)
    stem = stem.rsplit(".", 1)[0] if "." in stem[1:] else stem
    return re.sub(r"[^A-Za-z0-9._-]+", "-", stem).strip("-._")[:80] or "trace"


def stored(settings: Settings) -> list[TraceInfo]:
    """All traces that can be read, by name."""
    found = []
    for place in sorted(traces_path(settings).glob(f"*/{ABOUT}")):
        try:
            if not place.parent.name.startswith("."):
                found.append(load_info(place.parent))
        except TraceError:
            continue
    return found


def remove(name: str, settings: Settings) -> None:
    """Remove the trace `name`.

    Raises:
        TraceError: there is none, or it cannot be removed.
    """
    folder = folder_of(name, settings)
    load_info(folder)
    try:
        shutil.rmtree(folder)
    except OSError as error:
        raise TraceError(f"The trace {name!r} cannot be removed: {error.strerror}.") from None
