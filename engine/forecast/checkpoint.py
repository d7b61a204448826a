"""Checkpoints that are whole or not there: a JSON file names its tensors' file by checksum.

The JSON file is replaced last and atomically, so whatever dies in between leaves the old
checkpoint in force.
"""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from pathlib import Path
from typing import Any

from engine.errors import CheckpointError

VERSION = 1


def write(path: Path, meta: dict[str, Any], blob: bytes = b"") -> None:
    """Keep `meta` and `blob` under `path`."""
    path.parent.mkdir(parents=True, exist_ok=True)
    digest = hashlib.sha256(blob).hexdigest()
    content = {"version": VERSION, "sha256": digest, "meta": meta}
    body = json.dumps(content, sort_keys=True)
    check = hashlib.sha256(body.encode()).hexdigest()
    if blob:
        _replace(_blob_path(path, digest), blob)
    _replace(path, json.dumps({"check": check, "content": content}).encode())
    for other in path.parent.glob(f"{path.stem}-*.pt"):
        is_ours = other.stem.rpartition("-")[0] == path.stem  # a longer name is another's
        if is_ours and other != _blob_path(path, digest):
            other.unlink(missing_ok=True)


def read(path: Path) -> tuple[dict[str, Any], bytes]:
    """What `write` kept.

    Raises:
        CheckpointError: absent, damaged or of another version; one sentence.
    """
    try:
        outer = json.loads(path.read_bytes())
        content = outer["content"]
        check = hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
        if check != outer["check"] or content["version"] != VERSION:
            raise ValueError
        digest = str(content["sha256"])
        wants_blob = digest != hashlib.sha256(b"").hexdigest()
        blob = _blob_path(path, digest).read_bytes() if wants_blob else b""
        if hashlib.sha256(blob).hexdigest() != digest:
            raise ValueError
    except FileNotFoundError:
        raise CheckpointError(f"There is no whole forecaster checkpoint at {path.name}.") from None
    except (OSError, ValueError, KeyError, TypeError):
        raise CheckpointError(
            f"The forecaster checkpoint {path.name} is damaged; it is left aside until the next "
            "training replaces it."
        ) from None
    return dict(content["meta"]), blob


def _blob_path(path: Path, digest: str) -> Path:
    return path.with_name(f"{path.stem}-{digest[:16]}.pt")


def _replace(path: Path, content: bytes) -> None:
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=".writing-")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
