"""The arrays of a trace that is being read, in files: memory does not grow with its length."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from engine.traces.trace import ARRAYS, COLUMN, REQUESTS, Requests, digest_of

PIECE = 1_000_000
"""Rows handled at once."""


class Spool:
    """Arrays in a folder of their own, one file each, appended piece by piece.

    Args:
        folder: an empty folder, whose owner removes it.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._kinds: dict[str, type[np.generic]] = dict(ARRAYS)
        self._files: dict[str, BinaryIO] = {}
        self._dropped: set[str] = set()
        self.rows = 0

    @property
    def columns(self) -> list[str]:
        """Further columns, by name."""
        return sorted(name.removeprefix(COLUMN) for name in self._files if name not in ARRAYS)

    def append(self, arrays: Mapping[str, NDArray[Any]]) -> None:
        """Add rows: the arrays of `ARRAYS` by name, further columns behind `COLUMN`.

        A column that comes later than the first rows is NaN before; one that stays away, after.
        """
        count = len(arrays["key"])
        for name in {**ARRAYS, **arrays}:
            if name in self._dropped:
                continue
            if name not in self._files:
                self._start(name)
            self._write(name, arrays[name])
        for name in self._files.keys() - arrays.keys():
            self._write(name, np.full(count, np.nan, np.float32))
        self.rows += count

    def drop(self, column: str) -> None:
        """Forget a further column, now and for all rows to come."""
        name = COLUMN + column
        self._dropped.add(name)
        if file := self._files.pop(name, None):
            file.close()
            Path(file.name).unlink()

    def digest(self) -> str:
        """The digest of the trace these arrays make."""
        self._flush()
        names = [*ARRAYS, *(COLUMN + column for column in self.columns)]
        return digest_of((name.removeprefix(COLUMN), self._blocks(name)) for name in names)

    def requests(self, distinct: int) -> Requests:
        """Everything, in memory."""
        self._flush()
        arrays: dict[str, Any] = {name: self._piece(name, 0, self.rows) for name in ARRAYS}
        columns = {name: self._piece(COLUMN + name, 0, self.rows) for name in self.columns}
        return Requests(**arrays, distinct=distinct, columns=columns)

    def write(self, folder: Path) -> None:
        """Write the requests' file of a trace into `folder`."""
        self._flush()
        names = [*ARRAYS, *(COLUMN + column for column in self.columns)]
        kinds = [(name, pa.from_numpy_dtype(self._kinds[name])) for name in names]
        with pq.ParquetWriter(folder / REQUESTS, pa.schema(kinds), compression="zstd") as writer:
            for start in range(0, self.rows, PIECE):
                stop = min(start + PIECE, self.rows)
                writer.write_table(
                    pa.table({name: self._piece(name, start, stop) for name in names})
                )

    def close(self) -> None:
        """Give the files back."""
        for file in self._files.values():
            file.close()

    def _start(self, name: str) -> None:
        self._kinds.setdefault(name, np.float32)
        place = self._folder / f"{len(self._files) + len(self._dropped)}-{self.rows}.array"
        self._files[name] = place.open("w+b")
        for start in range(0, self.rows, PIECE):
            self._write(name, np.full(min(PIECE, self.rows - start), np.nan, np.float32))

    def _write(self, name: str, values: NDArray[Any]) -> None:
        self._files[name].write(np.ascontiguousarray(values, self._kinds[name]).data)

    def _flush(self) -> None:
        for file in self._files.values():
            file.flush()

    def _blocks(self, name: str) -> Iterator[bytes]:
        file = self._files[name]
        file.seek(0)
        while block := file.read(1 << 20):
            yield block

    def _piece(self, name: str, start: int, stop: int) -> NDArray[Any]:
        kind = np.dtype(self._kinds[name])
        path = Path(self._files[name].name)
        return np.fromfile(path, kind, stop - start, offset=start * kind.itemsize)
