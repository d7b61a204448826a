"""Files on their way between two machines: contents with their SHA-256, checked on arrival.

What travels is bytes of formats that execute nothing when read: Parquet, safetensors, JSON, and
checkpoints that are read as tensors alone.
"""

from __future__ import annotations

import contextlib
import hashlib
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TypeVar

import msgspec

from engine.errors import JobError

T = TypeVar("T")


class File(msgspec.Struct, frozen=True):
    """One file, and the checksum that its sender took."""

    content: bytes
    sha256: str


Parcel = dict[str, File]
"""The files of one folder by name."""


def packed(folder: Path) -> Parcel:
    """The files of a folder, read while nobody changed it; empty where there is none."""
    while True:
        before = _stamps(folder)
        with contextlib.suppress(FileNotFoundError):
            contents = {name: (folder / name).read_bytes() for name in before}
            if _stamps(folder) == before:
                return {
                    name: File(content, hashlib.sha256(content).hexdigest())
                    for name, content in contents.items()
                }


def _stamps(folder: Path) -> dict[str, int]:
    if not folder.is_dir():
        return {}
    files = sorted(path for path in folder.iterdir() if path.is_file())
    return {path.name: path.stat().st_mtime_ns for path in files}


def unpack(parcel: Mapping[str, File], folder: Path) -> None:
    """Write the files into a folder, made where it is missing, once all are found whole.

    Raises:
        JobError: one differs from what was sent, or its name leads elsewhere; nothing is written.
    """
    for name, file in parcel.items():
        if Path(name).name != name:
            raise JobError(f"A file that is named {name!r} was sent; nothing of it is kept.")
        arrived = hashlib.sha256(file.content).hexdigest()
        if arrived != file.sha256:
            raise JobError(
                f"The file {name} was damaged on its way between two machines (SHA-256 "
                f"{arrived[:12]}…, sent {file.sha256[:12]}…); start the job again."
            )
    folder.mkdir(parents=True, exist_ok=True)
    for name, file in parcel.items():
        draft = folder / f".arriving-{name}"
        draft.write_bytes(file.content)
        draft.replace(folder / name)


def mirror(parcel: Mapping[str, File], folder: Path) -> None:
    """`unpack`, and remove what is not in the parcel.

    Raises:
        JobError: as `unpack`.
    """
    unpack(parcel, folder)
    for path in folder.iterdir():
        if path.name not in parcel:
            path.unlink(missing_ok=True)


def sent(write: Callable[[Path], None]) -> Parcel:
    """The files that `write` writes into a folder."""
    with tempfile.TemporaryDirectory(prefix="cachescope-parcel-") as folder:
        write(Path(folder))
        return packed(Path(folder))


def received(parcel: Mapping[str, File], read: Callable[[Path], T]) -> T:
    """What `read` reads from a folder of the parcel's files.

    Raises:
        JobError: a file was damaged on its way.
    """
    with tempfile.TemporaryDirectory(prefix="cachescope-parcel-") as folder:
        unpack(parcel, Path(folder))
        return read(Path(folder))
