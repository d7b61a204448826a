"""Files handed over to be imported: they lie in one folder, under plain names."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

from engine.actions.store import audited, given
from engine.errors import TraceError
from engine.settings import Settings

_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,99}")


def keep_upload(
    name: str, content: bytes | memoryview, who: str = "terminal", settings: Settings | None = None
) -> dict[str, Any]:
    """Keep a file for an import; one of that name is replaced.

    Raises:
        NotAllowed: who acts is a viewer.
        TraceError: that is no plain name, or the file cannot be written.
    """
    known = given(settings)
    with audited(known, who, "upload", {"name": name, "bytes": len(content)}):
        if not _NAME.fullmatch(name):
            raise TraceError(
                f"{name[:80]!r} cannot name an upload; use letters, digits, '.', '-' and '_'."
            )
        folder = known.data_path / "uploads"
        draft = folder / f".{name}.{os.getpid()}"
        try:
            _write(draft, content)
            draft.replace(folder / name)  # a link of that name is replaced, never followed
        except OSError as error:
            raise TraceError(
                f"{name} cannot be kept ({error.strerror}); make room in {folder}."
            ) from None
    return {"file": name, "bytes": len(content)}


def _write(path: Path, content: bytes | memoryview) -> None:
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    path.unlink(missing_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(content)
