"""Traces of fixed-size binary records: cache2k's, Scarab's and libCacheSim's oracleGeneral."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from engine.traces.base import ROWS, Reader, table_of
from engine.traces.options import KEY, NAME, SIZE, TIME


class Records(Reader):
    """Records of one fixed size, one behind the other; a rest at the end is malformed."""

    is_text = False
    record: ClassVar[np.dtype[Any]]

    def tables(self) -> Iterator[pa.Table]:
        """The records, `ROWS` at a time."""
        line = 1
        while block := self.stream.read(self.record.itemsize * ROWS):
            if rest := len(block) % self.record.itemsize:
                self.faults.add(line + len(block) // self.record.itemsize, "", _CUT.format(rest))
                block = block[:-rest]
            records = np.frombuffer(block, self.record)
            if len(records):
                yield table_of(self.columns(records), line)
            line += len(records)

    def columns(self, records: NDArray[Any]) -> dict[str, Any]:
        """Our columns of these records; here: each record is its key."""
        return {KEY: pa.array(records.astype(records.dtype.newbyteorder("=")))}


_CUT = "the file ends within a record, after {} of its bytes"


class Int32(Records):
    """Big-endian int32 keys, as cache2k's web traces are."""

    record = np.dtype(">i4")


class Int64(Records):
    """Big-endian int64 keys, as the Scarab traces are."""

    record = np.dtype(">i8")


class Orm(Records):
    """Big-endian uint32 keys of cache2k's ORM traces; bits 27 to 31 are the object's type."""

    record = np.dtype(">u4")

    def columns(self, records: NDArray[Any]) -> dict[str, Any]:
        """The type is the endpoint."""
        keys = records.astype(np.uint32)
        names = pa.array([f"type {number}" for number in range(32)])
        types = pa.DictionaryArray.from_arrays(pa.array((keys >> 27).astype(np.int32)), names)
        return {KEY: pa.array(keys), NAME: types}


class OracleGeneral(Records):
    """libCacheSim's oracleGeneral: uint32 seconds, uint64 key, uint32 size, int64 next access.

    The next access is the future; it is not read.
    """

    record = np.dtype([("time", "<u4"), ("key", "<u8"), ("size", "<u4"), ("next", "<i8")])

    def columns(self, records: NDArray[Any]) -> dict[str, Any]:
        """All but the next access."""
        return {
            TIME: pa.array(records["time"].astype(np.float64)),
            KEY: pa.array(np.ascontiguousarray(records["key"])),
            SIZE: pa.array(records["size"].astype(np.float64)),
        }
