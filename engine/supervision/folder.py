"""One engine a data folder: the lock, the run file, the private folder of the sockets."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import socket
import stat
from pathlib import Path
from typing import Any

from engine.errors import ControlError, EngineRuns


def identity(run_path: Path) -> str:
    """Who an engine is among several on one store: host and data folder."""
    return f"{socket.gethostname()}:{run_path.name.rpartition('-')[2]}"[:120]


def lock(data_path: Path) -> int:
    """Take the data folder for this process; the lock lives as long as the returned descriptor.

    Raises:
        EngineRuns: another engine holds it; the sentence names its pid.
        ControlError: the folder cannot be written.
    """
    try:
        data_path.mkdir(parents=True, exist_ok=True)
        held = os.open(data_path / "engine.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise ControlError(
            f"The data folder {data_path} cannot be written ({error.strerror}); give us the right "
            "to write there or set CACHESCOPE_DATA_DIR."
        ) from None
    try:
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        pid = os.read(held, 20).decode(errors="replace").strip() or "unknown"
        os.close(held)
        raise EngineRuns(
            f"An engine already runs on {data_path} (pid {pid}); use it, or stop it with "
            "`python -m engine down`."
        ) from None
    os.ftruncate(held, 0)
    os.pwrite(held, f"{os.getpid()}\n".encode(), 0)
    return held


def private_folder(path: Path) -> None:
    """Make `path` a folder that only we can enter.

    Raises:
        ControlError: something else is there, or another user owns it.
    """
    with contextlib.suppress(FileExistsError):
        path.mkdir(mode=0o700)
    found = path.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid():
        raise ControlError(f"{path} is not a folder of ours; remove it and start again.")
    if found.st_mode & 0o077:
        path.chmod(0o700)


def write_run_file(path: Path, content: dict[str, Any]) -> None:
    """Replace the run file at once, readable by us alone."""
    draft = path.with_suffix(".tmp")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        json.dump(content, file, indent=1)
    draft.replace(path)
