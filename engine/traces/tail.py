"""Following a growing file of lines over rotation, truncation and restarts, each line once.

A file is known by its first line, not by its name or inode: after a rename (`create` in logrotate)
and after a copy and truncation (`copytruncate`) alike, the rest of a file is found in whichever
neighbour begins with that line. Nothing is remembered but a `Cursor`, which its owner stores with
what it made of the lines; whoever reads again from an older one gets the same lines with the same
numbers.
"""

from __future__ import annotations

import bz2
import gzip
import hashlib
import logging
import lzma
import os
import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec

from engine.errors import TraceError
from engine.traces.streams import reading

HISTORY_BYTES = 64 << 20
"""How much of a file that is new to us is read at most; it is the newest part."""

MOST_BYTES = 1 << 20
"""Read at once."""

GRACE_S = 1.0
"""How long a renamed file may still get lines, until its writer has noticed."""

_log = logging.getLogger(__name__)


class Cursor(msgspec.Struct, frozen=True):
    """A place in one file.

    Args:
        head: digest of the file's first line.
        head_bytes: the line's length.
        start: where in the file the first reading began.
        offset: bytes that are done with.
        rows: rows made of them; the number of the next one.
    """

    head: str
    head_bytes: int
    start: int = 0
    offset: int = 0
    rows: int = 0

    @property
    def writer(self) -> str:
        """Who writes the rows of this file, the same at every reading."""
        return f"log-{self.head}-{self.start}"


class Lines(msgspec.Struct, frozen=True):
    """Whole lines of one file, and where they end; `cursor` is where they begin."""

    data: bytes
    cursor: Cursor
    end: int

    @property
    def texts(self) -> list[str]:
        """Each line, without its end."""
        return self.data.decode(errors="replace").removesuffix("\n").split("\n")


class Tail:
    """Reads the lines of `path` from `cursor` on; None: from its newest part.

    Ask `read` again and again, and give each `Lines` back with `accept` once its rows are stored.

    Args:
        path: of the file; it may come later.
        cursor: where to go on.
        clock: seconds that only grow.
    """

    def __init__(
        self, path: Path, cursor: Cursor | None = None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._path = path
        self.cursor = cursor
        self._clock = clock
        self._file: Any = None
        self._is_live = self._is_done = False
        self._renamed_at: float | None = None

    def read(self) -> Lines | None:
        """The next whole lines; None while there are none.

        Raises:
            TraceError: a file cannot be read, or has lines without end.
        """
        with reading(self._path):
            if self._file is not None and self._is_live and self._was_truncated():
                self.close()
            if self._file is None and not self._open():
                return None
            return self._next_lines()

    def accept(self, lines: Lines, rows: int) -> Cursor:
        """Go on behind `lines`, of which `rows` rows were made; returns the new place."""
        there = lines.cursor
        self.cursor = msgspec.structs.replace(there, offset=lines.end, rows=there.rows + rows)
        return self.cursor

    def close(self) -> None:
        """Give the file back."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def _next_lines(self) -> Lines | None:
        cursor = self._place()
        self._file.seek(cursor.offset)
        block = self._file.read(MOST_BYTES)
        if end := block.rfind(b"\n") + 1:
            return _lines(block[:end], cursor)
        if len(block) == MOST_BYTES:
            raise TraceError(f"{self._path} has a line of over {MOST_BYTES:,} bytes; it is no log.")
        if self._is_live and not self._was_renamed():
            return None
        if block:  # nobody writes the end of this line any more
            return _lines(block, cursor)
        self._go_on(cursor)
        return None

    def _open(self) -> bool:
        """Open the file that the cursor is in; False if there is nothing to read yet."""
        if self.cursor is None:
            return self._begin(self._path, HISTORY_BYTES)
        unread: list[TraceError] = []
        for path in (self._path, *_neighbours(self._path)):
            try:
                with reading(path):
                    is_it = _head(path, self.cursor.head_bytes)[0] == self.cursor.head
            except TraceError as error:
                unread.append(error)
                continue
            if is_it:
                self._take(path)
                return True
        if unread:  # the rest may be in there; to go on without it would lose its lines
            raise unread[0]
        if not _head(self._path)[1]:
            return False
        if not self._is_done:
            _log.warning("The rest of the log before %s was not found.", self._path)
        return self._begin(self._path)

    def _begin(self, path: Path, most: int = 0) -> bool:
        """Open a file that is new to us, at its newest `most` bytes (0: at its start)."""
        head, length = _head(path)
        if not length:
            return False
        self._take(path)
        size = path.stat().st_size
        start = 0
        if most and size > most:
            self._file.seek(size - most)
            start = size - most + len(self._file.readline())
            _log.info("Only the newest %d MB of %s are read.", most >> 20, path)
        self.cursor = Cursor(head, length, start, start)
        return True

    def _take(self, path: Path) -> None:
        self._file = _opened(path)
        self._is_live, self._is_done, self._renamed_at = path == self._path, False, None

    def _was_truncated(self) -> bool:
        cursor = self._place()
        if os.fstat(self._file.fileno()).st_size < cursor.offset:
            return True
        self._file.seek(0)
        return _digest(self._file.read(cursor.head_bytes)) != cursor.head

    def _was_renamed(self) -> bool:
        """Whether another file has our name, for so long that its writer uses that one."""
        try:
            is_ours = self._path.stat().st_ino == os.fstat(self._file.fileno()).st_ino
        except FileNotFoundError:
            return False
        if is_ours:
            return False
        now = self._clock()
        self._renamed_at = now if self._renamed_at is None else self._renamed_at
        return now - self._renamed_at >= GRACE_S

    def _go_on(self, cursor: Cursor) -> None:
        """Leave a file that is read to its end for the one that was begun after it."""
        self.close()
        self._is_done = True
        # From the newest back to the one just left: those before it, damaged or not, are done with.
        after: list[Path] = []
        for path in reversed(_neighbours(self._path)):
            with reading(path):
                head = _head(path)[0]
            if head == cursor.head:
                break
            after.insert(0, path)
        else:
            after = []
        for path in after:
            if self._begin(path):
                return
        if _head(self._path)[0] != cursor.head:
            self._begin(self._path)

    def _place(self) -> Cursor:
        assert self.cursor is not None  # noqa: S101 - an open file has a place
        return self.cursor


_ROTATED = re.compile(r"[.\-_](?:\d[\d.\-_T]*|old)(?:\.gz|\.xz|\.bz2)?$")


def _neighbours(path: Path) -> list[Path]:
    """Rotated files of a log, the oldest first."""
    found = [
        (other.stat().st_mtime_ns, other)
        for other in path.parent.glob(f"{path.name}*")
        if _ROTATED.fullmatch(other.name.removeprefix(path.name))
    ]
    return [other for _, other in sorted(found)]


def _opened(path: Path) -> Any:  # noqa: ANN401 - a file of bytes
    openers: dict[str, Callable[[Path], Any]] = {
        ".gz": gzip.open, ".xz": lzma.open, ".bz2": bz2.open,
    }  # fmt: skip
    opener = openers.get(path.suffix)
    return path.open("rb") if opener is None else opener(path)


def _head(path: Path, length: int = 0) -> tuple[str, int]:
    """Digest and length of the first line, or of the first `length` bytes; none yet: "", 0."""
    try:
        with _opened(path) as file:
            first = file.read(length) if length else file.readline(MOST_BYTES)
    except FileNotFoundError:
        return "", 0
    if not length and not first.endswith(b"\n"):
        return "", 0
    return _digest(first), len(first)


def _digest(line: bytes) -> str:
    return hashlib.blake2b(line, digest_size=8).hexdigest()


def _lines(block: bytes, cursor: Cursor) -> Lines:
    return Lines(block, cursor, cursor.offset + len(block))
