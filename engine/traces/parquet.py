"""Parquet files with named columns."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from engine.errors import TraceError
from engine.traces.base import ROWS, Reader
from engine.traces.mapping import Mapper, match
from engine.traces.streams import reading


class Parquet(Reader):
    """Columns keep their types; nested ones are left out."""

    is_text = False

    def tables(self) -> Iterator[pa.Table]:
        """The rows, `ROWS` at a time."""
        with reading(self.path):
            try:
                file = pq.ParquetFile(self.path)
            except pa.ArrowInvalid:
                raise TraceError(f"{self.path.name} is no Parquet file; name its format.") from None
        names = [field.name for field in file.schema_arrow if not pa.types.is_nested(field.type)]
        mapped = match(names, self.options.mapping, self.options.unit, self.path.name)
        self.roles = mapped.roles
        mapper, self._line = Mapper(mapped, self.faults), 1
        self._rows = max(1, file.metadata.num_rows)
        with reading(self.path):
            for batch in file.iter_batches(batch_size=ROWS, columns=mapped.wanted):
                lines = pa.array(np.arange(self._line, self._line + len(batch)))
                self._line += len(batch)
                yield mapper.table(pa.Table.from_batches([batch]), lines)

    def share(self) -> float:
        """Rows read of all."""
        return (getattr(self, "_line", 1) - 1) / getattr(self, "_rows", 1)
