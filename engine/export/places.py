"""Where exports lie: under one folder, whatever path a person asks for."""

from __future__ import annotations

import re
from pathlib import Path

from engine.errors import ExportError
from engine.settings import Settings

_PART = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,99}")


def exports_root(settings: Settings) -> Path:
    """The folder under which every export lies."""
    return settings.data_path / "exports"


def place_of(root: Path, wanted: str) -> Path:
    """The folder that `wanted` means under `root`; an absolute path may name it in full.

    Raises:
        ExportError: it lies elsewhere, or has a part that is no plain name.
    """
    asked = Path(wanted)
    try:
        inner = asked.relative_to(root) if asked.is_absolute() else asked
    except ValueError:
        inner = None
    parts = inner.parts if inner is not None else ()
    if not parts or not all(_PART.fullmatch(part) for part in parts):
        raise ExportError(
            f"Exports lie under {root}, and {wanted!r} does not; give a plain name such as "
            "'model-1' or 'team/model-1'."
        )
    place = root.joinpath(*parts)
    if not place.resolve().is_relative_to(root.resolve()):
        raise ExportError(f"{place} leads out of {root} by a link; give another name.")
    return place
