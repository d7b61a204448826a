"""What a child prints: captured into a file that rotates, the last line kept as a reason."""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Container
from pathlib import Path

from engine.errors import ControlError

MAX_LINE = 65_536

_LOG_PREFIX = re.compile(r"^\d{4}-\d\d-\d\dT[\d:.]+Z [A-Z]+ \S+ ")


def cannot_log(folder: Path, error: OSError) -> ControlError:
    """Why no log can be written in `folder`, and what to do."""
    return ControlError(
        f"The log folder {folder} cannot be written ({error.strerror}); give us the right to write "
        "there or set CACHESCOPE_LOG_DIR."
    )


def keep_newest(folder: Path, count: int, spared: Container[str] = ()) -> None:
    """Delete the logs in `folder` beyond the newest `count`, but none of the names in `spared`."""
    with contextlib.suppress(OSError):  # another process may delete as well
        logs = sorted(folder.glob("*.log*"), key=lambda log: log.stat().st_mtime, reverse=True)
        for log in logs[count:]:
            if log.name.partition(".")[0] not in spared:
                log.unlink(missing_ok=True)


class Output:
    """A log file of whole lines; at `limit` bytes it is moved aside, `files` in all are kept.

    Raises:
        ControlError: the file cannot be made.
    """

    def __init__(self, path: Path, limit: int, files: int) -> None:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._file = path.open("ab")
        except OSError as error:
            raise cannot_log(path.parent, error) from None
        self._path = path
        self._limit = limit
        self._files = files
        self._size = self._file.tell()
        self._rest = b""
        self.last_line = ""

    def feed(self, chunk: bytes) -> None:
        """Take what a child printed; only whole lines are written."""
        text = self._rest + chunk
        end = text.rfind(b"\n") + 1
        if not end and len(text) > MAX_LINE:
            text, end = text + b"\n", len(text) + 1
        lines, self._rest = text[:end], text[end:]
        if lines:
            self._write(lines)

    def line(self, text: str) -> None:
        """Write one line of our own."""
        self._write(text.encode(errors="replace") + b"\n", ours=True)

    def forget(self) -> None:
        """Begin a new process's output: what the last one said is no reason any more."""
        self.last_line = ""

    def end(self) -> None:
        """The process is gone: write what it left without a line end."""
        if self._rest:
            self.feed(b"\n")

    def close(self) -> None:
        """Close the file."""
        self.end()
        self._file.close()

    def _write(self, lines: bytes, *, ours: bool = False) -> None:
        if self._size and self._size + len(lines) > self._limit:
            self._rotate()
        # A full disk must stop no service: then the output is lost, not the process.
        with contextlib.suppress(OSError):
            self._file.write(lines)
            self._file.flush()
        self._size += len(lines)
        spoken = lines.strip().rsplit(b"\n", 1)[-1].decode(errors="replace").strip()
        if spoken and not ours:
            self.last_line = _LOG_PREFIX.sub("", spoken)[:300]

    def _rotate(self) -> None:
        with contextlib.suppress(OSError):
            self._file.close()
            for number in range(self._files - 1, 0, -1):
                older = self._path.with_name(f"{self._path.name}.{number}")
                newer = self._path.with_name(f"{self._path.name}.{number - 1}")
                if number == 1:
                    newer = self._path
                if newer.exists():
                    newer.replace(older)
        try:
            self._file = self._path.open("ab")
        except OSError:  # what cannot be written is lost; the service goes on
            self._file = Path(os.devnull).open("ab")  # noqa: SIM115 - kept open
        self._size = self._file.tell()
