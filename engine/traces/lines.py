"""Reading files of lines by one pattern, a block of lines at a time (RE2, compiled by Arrow)."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from engine.traces.base import Faults, Reader
from engine.traces.options import LINE, Options
from engine.traces.streams import BLOCK


class Block:
    """Whole lines in one piece; taken apart only where somebody asks for single ones."""

    def __init__(self, data: bytes) -> None:
        self.data = data.removesuffix(b"\n")

    def __len__(self) -> int:
        return self.data.count(b"\n") + 1

    @cached_property
    def lines(self) -> list[str]:
        """Each line, without its end."""
        return self.data.decode(errors="replace").split("\n")


class LineFormat(ABC):
    """What a line holds; keeps what the first lines told of how the rest is written."""

    pattern: ClassVar[str]
    """What a line looks like; its named groups are the fields."""

    def __init__(self, options: Options, faults: Faults) -> None:
        self.options = options
        self.faults = faults

    @abstractmethod
    def columns(self, fields: dict[str, Any]) -> dict[str, Any]:
        """Our columns from the fields of all lines that match (Arrow strings, "" where absent)."""

    def parse(self, block: Block, first: int) -> pa.Table | None:
        """The rows of lines, of which the first has the number `first`; None without any."""
        fields, places = self.fields(block)
        for at in missing(places, len(block)).tolist():
            if text := block.lines[at].strip():
                self.faults.add(first + at, text, "it does not look like the others")
        if not len(places):
            return None
        made = self.columns({**fields, LINE: pa.array(first + places)})
        return pa.table({name: values for name, values in made.items() if values is not None})

    def fields(self, block: Block) -> tuple[dict[str, Any], NDArray[np.int64]]:
        """The fields of the lines that match, and which lines those are."""
        return self.matched(block.lines)

    def matched(self, lines: Sequence[str]) -> tuple[dict[str, Any], NDArray[np.int64]]:
        """The fields of those lines that match the pattern, and which those are."""
        found = pc.extract_regex(pa.array(lines, pa.string()), self.pattern)
        places = np.flatnonzero(found.is_valid().to_numpy(zero_copy_only=False))
        kept = found if len(places) == len(lines) else found.drop_null()
        names = [field.name for field in kept.type]
        return dict(zip(names, kept.flatten(), strict=True)), places


class LineReader(Reader):
    """Each line is one row, or malformed."""

    form: ClassVar[type[LineFormat]]

    def __init__(self, path: Path, options: Options, faults: Faults) -> None:
        super().__init__(path, options, faults)
        self._form = self.form(options, faults)

    def tables(self) -> Iterator[pa.Table]:
        """The rows of each block of lines."""
        line, rest = 1, b""
        while True:
            block = self.stream.read(BLOCK)
            whole, end, rest = (rest + block).rpartition(b"\n") if block else (rest, b"", b"")
            if end or not block:
                lines = Block(whole)
                table = self._form.parse(lines, line)
                if table is not None:
                    yield table
                line += len(lines)
            if not block:
                return


def missing(places: NDArray[np.int64], count: int) -> NDArray[np.int64]:
    """Which of `count` places are not among `places`, which are in order."""
    if len(places) == count:
        return places[:0]
    missed = np.ones(count, np.bool_)
    missed[places] = False
    return np.flatnonzero(missed)
