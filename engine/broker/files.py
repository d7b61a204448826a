"""A file of fixed size for the journal's map, and the machine's boot."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import BinaryIO

_LINUX = Path("/proc/sys/kernel/random/boot_id")


def open_sized(path: Path, head: bytes, size: int) -> BinaryIO | None:
    """Open a private file of `size` bytes that begins with `head`, making it if it is not there.

    None when the file is another one.
    """
    file = os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600), "r+b", 0)
    try:
        found = os.fstat(file.fileno()).st_size
        if not found:
            os.pwrite(file.fileno(), head, 0)
            file.truncate(size)
        elif found != size or os.pread(file.fileno(), len(head), 0) != head:
            file.close()
            return None
    except BaseException:
        file.close()
        raise
    return file


def allocate(file: BinaryIO, start: int, size: int) -> None:
    """Take disk blocks now: a full disk is an error here, but a crash (SIGBUS) in the map."""
    if hasattr(os, "posix_fallocate"):
        os.posix_fallocate(file.fileno(), start, size)


def boot_id() -> bytes:
    """16 bytes that change when the machine starts anew; zeros where nobody tells."""
    try:
        text = _LINUX.read_text("ascii") if _LINUX.exists() else _told_by_macos()
        return bytes.fromhex(text.strip().replace("-", "")).ljust(16, b"\0")[:16]
    except (OSError, ValueError, subprocess.SubprocessError):
        return bytes(16)


def _told_by_macos() -> str:
    command = ["/usr/sbin/sysctl", "-n", "kern.bootsessionuuid"]
    return subprocess.run(command, capture_output=True, text=True, timeout=2, check=True).stdout
