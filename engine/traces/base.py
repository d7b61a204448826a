"""What every reader of recorded requests gives: tables of rows, and what it could not read.

A reader turns one file into Arrow tables of at most `ROWS` rows with columns of these names (the
names that SOURCE_MAPPING uses): `cache_key` always; `timestamp` (seconds), `cache_name`, `hit`
(boolean), `load_time_ms` and `size_bytes` where recorded; `line`, where each row stands in the
file; and further columns behind the prefix `column:`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, ClassVar, Protocol

import msgspec
import numpy as np
import pyarrow as pa

from engine.traces.options import LINE, Options
from engine.traces.streams import Stream

ROWS = 100_000
"""Rows of one table, at most about."""

READS = frozenset({"get", "gets"})
"""HEAD is no read here: it answers without the body that a cache would keep."""

SAMPLES = 5


class Fault(msgspec.Struct, frozen=True):
    """One line that could not be read, and why."""

    line: int
    text: str
    why: str


class Faults:
    """Lines that could not be read, counted, with the first few kept; and rows left out on purpose.

    Args:
        mask: hides secrets in the lines that are kept.

    Attributes:
        count: malformed lines.
        samples: the first of them.
        left_out: reason -> rows that are no requests to a cache.
    """

    def __init__(self, mask: Callable[[str], str] = str) -> None:
        self._mask = mask
        self.count = 0
        self.samples: list[Fault] = []
        self.left_out: Counter[str] = Counter()

    def add(self, line: int, text: str | Callable[[], str], why: str, count: int = 1) -> None:
        """Count malformed lines; the text may be a function, called only if it is kept."""
        self.count += count
        if len(self.samples) < SAMPLES:
            told = text if isinstance(text, str) else text()
            self.samples.append(Fault(line, self._mask(told)[:200], why))


class Recording(Protocol):
    """Recorded requests, wherever they lie; a `Reader` of a file is one.

    Attributes:
        faults: what could not be read so far.
        notes: sentences for a person, complete once all tables were read.
        roles: our name of a column -> those of the recording that it is made of, once known.
    """

    faults: Faults
    notes: list[str]
    roles: Mapping[str, tuple[str, ...]]

    def tables(self) -> Iterator[Any]:
        """The rows, table by table (`pyarrow.Table`)."""

    def share(self) -> float:
        """How much was read, 0 to 1."""

    def close(self) -> None:
        """Give files and connections back."""


class Reader(ABC):
    """Reads one file as tables of rows, in bounded memory.

    Attributes:
        notes: sentences for a person, complete once all tables were read.
        roles: our name of a column -> those of the file that it is made of, where they have names.
    """

    is_text: ClassVar[bool] = True

    def __init__(self, path: Path, options: Options, faults: Faults) -> None:
        self.path = path
        self.options = options
        self.faults = faults
        self.notes: list[str] = []
        self.roles: Mapping[str, tuple[str, ...]] = {}
        self.stream = Stream(path, is_text=self.is_text)

    @abstractmethod
    def tables(self) -> Iterator[Any]:
        """The rows, table by table (`pyarrow.Table`).

        Raises:
            TraceError: the file is not of this format, or is damaged.
        """

    def share(self) -> float:
        """How much of the file was read, 0 to 1."""
        return self.stream.share()

    def close(self) -> None:
        """Give the file back."""
        self.stream.close()


def table_of(columns: Mapping[str, Any], first_line: int) -> pa.Table:
    """A table of the arrays that are there, its rows on consecutive lines."""
    there = {name: values for name, values in columns.items() if values is not None}
    count = len(next(iter(there.values())))
    lines = pa.array(np.arange(first_line, first_line + count))
    return pa.table({**there, LINE: lines})
