"""Files as streams of bytes, decompressed on the way: .gz, .xz, .zst and .bz2 like plain ones."""

from __future__ import annotations

import bz2
import codecs
import contextlib
import gzip
import io
import lzma
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

import pyarrow as pa

from engine.errors import TraceError

BLOCK = 1 << 22
"""Bytes read at once."""


class Stream(io.RawIOBase):
    """The content of one file, whatever it is packed with.

    Args:
        path: of the file.
        is_text: make valid UTF-8 of it (what is none becomes U+FFFD), so that one bad byte does
            not end a reading.

    Raises:
        TraceError: there is no such file, or it cannot be read.
    """

    def __init__(self, path: Path, is_text: bool = False) -> None:
        super().__init__()
        self.path = path
        with reading(path):
            self._raw = path.open("rb")
            self._size = max(1, path.stat().st_size)
        self._bytes = _unpacked(path, self._raw)
        self._repair = codecs.getincrementaldecoder("utf-8")("replace") if is_text else None
        self._rest = b""

    def share(self) -> float:
        """How much of the file, as it lies on disk, was read."""
        return 1.0 if self._raw.closed else min(1.0, self._raw.tell() / self._size)

    def readable(self) -> bool:
        """It is: that is what streams are for."""
        return True

    def read(self, size: int = -1) -> bytes:
        """Exactly `size` bytes, fewer only at the end.

        Raises:
            TraceError: the file is damaged.
        """
        wanted = BLOCK if size < 0 else size
        while len(self._rest) < wanted and (block := self._block(max(BLOCK, wanted))):
            self._rest += block
        given, self._rest = self._rest[:wanted], self._rest[wanted:]
        return given

    def peek(self, size: int = 1 << 16) -> bytes:
        """The next `size` bytes, which the next reading gives again."""
        self._rest = self.read(size) + self._rest
        return self._rest[:size]

    def readall(self) -> bytes:
        """Everything that is left; for small files."""
        return b"".join(iter(lambda: self.read(BLOCK), b""))

    def close(self) -> None:
        """Give the file back."""
        self._raw.close()
        super().close()

    def _block(self, size: int) -> bytes:
        with reading(self.path):
            block = bytes(self._bytes.read(size))
        if self._repair is None:
            return block
        return self._repair.decode(block, final=not block).encode()


@contextlib.contextmanager
def reading(path: Path) -> Iterator[None]:
    """Tell every trouble with a file in one sentence.

    Raises:
        TraceError: there is none, it may not be read, or it is damaged.
    """
    try:
        yield
    except FileNotFoundError:
        raise TraceError(f"There is no file {path}; check the path.") from None
    except IsADirectoryError:
        raise TraceError(f"{path} is a folder; name a file in it.") from None
    except (EOFError, lzma.LZMAError, gzip.BadGzipFile, zlib.error, pa.ArrowException) as error:
        raise TraceError(f"{path.name} is damaged ({error}); fetch or pack it anew.") from None
    except OSError as error:
        raise TraceError(f"{path} cannot be read: {error.strerror or error}.") from None


def _unpacked(path: Path, raw: BinaryIO) -> Any:  # noqa: ANN401 - anything with read()
    if path.suffix == ".gz":
        return gzip.GzipFile(fileobj=raw)
    if path.suffix == ".xz":
        return lzma.LZMAFile(raw)
    if path.suffix == ".bz2":
        return bz2.BZ2File(raw)
    return pa.CompressedInputStream(raw, "zstd") if path.suffix == ".zst" else raw
