"""Traces as columns of numbers with blanks between them: AdaptSize's and ARC's."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa

from engine.traces.lines import LineFormat, LineReader
from engine.traces.options import KEY, LINE, SIZE, TIME
from engine.traces.values import numbers


class _SizedLine(LineFormat):
    pattern = r"^\s*(?P<time>\S+)\s+(?P<key>\S+)\s+(?P<size>\S+)\s*$"

    def columns(self, fields: dict[str, Any]) -> dict[str, Any]:
        """One request a line."""
        return {
            TIME: pa.array(numbers(fields["time"])),
            KEY: fields["key"],
            SIZE: pa.array(numbers(fields["size"])),
            LINE: fields[LINE],
        }


class _BlockLine(LineFormat):
    pattern = r"^\s*(?P<start>\d{1,18})\s+(?P<blocks>\d{1,6})(?:\s+\d+)*\s*$"

    def columns(self, fields: dict[str, Any]) -> dict[str, Any]:
        """One request a block."""
        starts = fields["start"].cast(pa.int64()).to_numpy()
        blocks = fields["blocks"].cast(pa.int64()).to_numpy()
        behind = np.arange(blocks.sum()) - np.repeat(np.cumsum(blocks) - blocks, blocks)
        return {
            KEY: pa.array(np.repeat(starts, blocks) + behind),
            LINE: pa.array(np.repeat(fields[LINE].to_numpy(), blocks)),
        }


class AdaptSize(LineReader):
    """`time key size_bytes`, as the AdaptSize simulator (NSDI 2017) reads it."""

    form = _SizedLine


class Arc(LineReader):
    """`first_block blocks ignored request`: the traces of ARC (FAST 2003), .lis.

    A line asks for each of its blocks, one after the other.
    """

    form = _BlockLine
