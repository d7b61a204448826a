"""Files of separated values with named columns, and two data sets whose columns have no names."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pyarrow as pa
import pyarrow.csv as pc
from numpy.typing import NDArray

from engine.errors import TraceError
from engine.traces.base import ROWS, Faults, Reader
from engine.traces.mapping import Mapper, match
from engine.traces.options import Options
from engine.traces.streams import BLOCK, reading

NOTHING = ["", "-", "NULL", "null", "None", "NaN", "nan", "NA", "\\N"]
"""Texts that stand for no value."""

DELIMITERS = ",\t;|"


class Delimited(Reader):
    """CSV, TSV and the like, with a line of names at the top."""

    def __init__(self, path: Path, options: Options, faults: Faults) -> None:
        super().__init__(path, options, faults)
        self._next = 1
        self._skipped: list[int] = []

    def tables(self) -> Iterator[pa.Table]:
        """The rows of each block of the file."""
        head = first_line(self.stream.peek())
        delimiter = delimiter_of(head)
        names, skipped = self.names(split(head, delimiter))
        mapped = match(names, self.options.mapping, self.options.unit, self.path.name)
        self.roles = mapped.roles
        mapper = Mapper(mapped, self.faults)
        self._next = skipped + 1
        for batch in self._batches(names, skipped, delimiter, mapped.wanted):
            rows = pa.Table.from_batches([batch])
            for start in range(0, len(rows), ROWS):
                part = rows.slice(start, ROWS)
                yield mapper.table(part, pa.array(self._lines(len(part))))

    def names(self, head: list[str]) -> tuple[list[str], int]:
        """The columns' names, told from the first line, and how many lines they take.

        Raises:
            TraceError: the first line cannot be what it should be.
        """
        if head and all(is_number(name) for name in head):
            raise TraceError(
                f"{self.path.name} has no line of names at its top (it begins with "
                f"{', '.join(head[:5])}); add one, or give --format twitter or libcachesim."
            )
        return distinct(head), 1

    def _lines(self, count: int) -> NDArray[np.int64]:
        """Where the next `count` good rows stand in the file."""
        places = np.arange(self._next, self._next + count + len(self._skipped))
        good = places[~np.isin(places, self._skipped)][:count]
        self._next = int(good[-1]) + 1
        self._skipped = [place for place in self._skipped if place >= self._next]
        return good

    def _batches(
        self, names: list[str], skipped: int, delimiter: str, wanted: list[str]
    ) -> Iterator[Any]:
        def malformed(row: Any) -> str:  # noqa: ANN401 - pyarrow's InvalidRow
            why = f"it has {row.actual_columns} values where {row.expected_columns} are due"
            self.faults.add(row.number or 0, row.text, why)
            self._skipped.append(row.number or 0)
            return "skip"

        options = {
            "read_options": pc.ReadOptions(
                column_names=names, skip_rows=skipped, block_size=BLOCK, use_threads=False
            ),
            "parse_options": pc.ParseOptions(
                delimiter=delimiter,
                quote_char=False if delimiter == "\t" else '"',
                newlines_in_values=True,
                invalid_row_handler=malformed,
            ),
            "convert_options": pc.ConvertOptions(
                column_types=dict.fromkeys(names, pa.string()),
                include_columns=wanted,
                null_values=NOTHING,
                strings_can_be_null=True,
            ),
        }
        with reading(self.path):
            try:
                yield from pc.open_csv(self.stream, **options)
            except StopIteration:
                return


class Twitter(Delimited):
    """twitter/cache-trace (OSDI 2020): seven columns without names; only gets are requests."""

    fixed: ClassVar[tuple[str, ...]] = (
        "timestamp", "key", "key_size", "value_size", "client_id", "operation", "ttl",
    )  # fmt: skip

    def names(self, head: list[str]) -> tuple[list[str], int]:
        """As published."""
        return fixed_names(self.fixed, head, self.path.name, least=len(self.fixed))


class LibCacheSim(Delimited):
    """libCacheSim's CSV: time, object, size and, where it knows, the next access (not read)."""

    fixed: ClassVar[tuple[str, ...]] = ("time", "obj_id", "size", "next_access_vtime")

    def names(self, head: list[str]) -> tuple[list[str], int]:
        """In its order, whatever a line of names calls them."""
        return fixed_names(self.fixed, head, self.path.name, least=2)


def fixed_names(
    fixed: Sequence[str], head: list[str], where: str, least: int
) -> tuple[list[str], int]:
    """The names of a format's columns, and whether a line of names stands above (0 or 1).

    Raises:
        TraceError: the first line has too few or too many values.
    """
    if not least <= len(head) <= len(fixed):
        raise TraceError(
            f"{where} has {len(head)} columns, but this format has {', '.join(fixed)}; "
            "give another --format."
        )
    return list(fixed[: len(head)]), int(not is_number(head[0]))


def first_line(block: bytes) -> str:
    """The first line of a text, without what marks its encoding."""
    return block.decode(errors="replace").lstrip("\ufeff").partition("\n")[0].rstrip("\r")


def delimiter_of(line: str) -> str:
    """The delimiter that occurs most often; a comma if none does."""
    return max(DELIMITERS, key=line.count)


def split(line: str, delimiter: str) -> list[str]:
    """The values of a line of names; a # before them is no part of the first."""
    values = next(csv.reader([line.lstrip("# ")], delimiter=delimiter), [])
    return [value.strip() for value in values]


def distinct(names: Sequence[str]) -> list[str]:
    """The names, those that are empty or come again made distinct by their place."""
    taken: list[str] = []
    for at, name in enumerate(names, 1):
        is_fresh = bool(name) and name not in taken
        taken.append(name if is_fresh else f"{name or 'column'} ({at})")
    return taken


def is_number(text: str) -> bool:
    """Whether a text is a number."""
    try:
        float(text)
    except ValueError:
        return False
    return True
