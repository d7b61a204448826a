"""Files that are whole or absent, and known by their SHA-256."""

from __future__ import annotations

import contextlib
import hashlib
import os
import secrets
import shutil
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import msgspec

from engine.errors import ModelError

MAKING = ".making-"
_ABANDONED_S = 3600.0


class Kept(msgspec.Struct, frozen=True):
    """A file as it was written."""

    sha256: str
    bytes: int


def fingerprint(file: Path) -> Kept:
    """The file's SHA-256 and size."""
    with file.open("rb") as opened:
        return Kept(hashlib.file_digest(opened, "sha256").hexdigest(), file.stat().st_size)


class Making:
    """A folder that is being written; it goes again unless it is `done`."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.done = False

    def publish(self, wanted: Path) -> None:
        """Rename it to `wanted`, or beside it where that name is taken."""
        place = wanted
        while place.exists():
            place = wanted.with_name(f"{wanted.name}-{secrets.token_hex(3)}")
        self.path = self.path.rename(place)
        _sync_folder(place.parent)


@contextlib.contextmanager
def making(root: Path) -> Iterator[Making]:
    """A new empty folder under `root` to write into; what writers killed long ago left goes."""
    root.mkdir(parents=True, exist_ok=True)
    for left in root.glob(f"{MAKING}*"):
        if time.time() - left.stat().st_mtime > _ABANDONED_S:
            shutil.rmtree(left, ignore_errors=True)
    folder = Making(root / f"{MAKING}{secrets.token_hex(4)}")
    folder.path.mkdir()
    try:
        yield folder
    finally:
        if not folder.done:
            shutil.rmtree(folder.path, ignore_errors=True)


def settle(folder: Path) -> dict[str, Kept]:
    """Bring every file of a folder to the disk; returns them by name."""
    kept = {}
    for file in sorted(path for path in folder.iterdir() if path.is_file()):
        with file.open("rb") as opened:
            os.fsync(opened.fileno())
        kept[file.name] = fingerprint(file)
    _sync_folder(folder)
    return kept


def check(folder: Path, kept: Mapping[str, Kept], whose: str) -> None:
    """See that each file is there and is what was written.

    Raises:
        ModelError: one is missing or differs; nothing of it was read any further.
    """
    if not folder.is_dir():
        raise ModelError(
            f"The files of {whose} are not in {folder}; they lie on another machine, or were "
            "deleted: train it again, or delete it."
        )
    for name, known in kept.items():
        try:
            found = fingerprint(folder / name)
        except OSError as error:
            raise ModelError(
                f"The file {name} of {whose} cannot be read ({error.strerror}); restore it, or "
                "train again."
            ) from None
        if found != known:
            raise ModelError(
                f"The file {name} of {whose} is not the one that was registered (SHA-256 "
                f"{found.sha256[:12]}…, expected {known.sha256[:12]}…); it was changed or damaged "
                "and is not loaded: restore it, or train again."
            )


def _sync_folder(folder: Path) -> None:
    opened = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)
