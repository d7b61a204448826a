"""Reading files of lines by one pattern, a block of lines at a time (RE2, compiled by Arrow)."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from engine.traces.base import LINE, Faults, Options, Reader
from engine.traces.streams import BLOCK


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

    def parse(self, lines: Sequence[str], first: int) -> pa.Table | None:
        """The rows of lines, of which the first has the number `first`; None without any."""
        found = pc.extract_regex(pa.array(lines, pa.string()), self.pattern)
        matches = found.is_valid().to_numpy(zero_copy_only=False)
        numbers = np.arange(first, first + len(lines))
        for at in np.flatnonzero(~matches).tolist():
            if text := lines[at].strip():
                self.faults.add(int(numbers[at]), text, "it does not look like the others")
        if not matches.any():
            return None
        kept = found if matches.all() else found.drop_null()
        names = [field.name for field in kept.type]
        fields = dict(zip(names, kept.flatten(), strict=True))
        fields[LINE] = pa.array(numbers[matches])
        made = self.columns(fields)
        return pa.table({name: values for name, values in made.items() if values is not None})


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
            lines = (rest + block).decode(errors="replace").split("\n")
            rest = lines.pop().encode() if block else b""
            table = self._form.parse(lines, line)
            if table is not None:
                yield table
            if not block:
                return
            line += len(lines)
