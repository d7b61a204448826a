"""From lines of an access log to rows of `cache_metrics`."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Any

from engine.collector.names import endpoint_of
from engine.keys import clean, stored_key
from engine.records import TOTAL
from engine.traces.access_log import LogLine
from engine.traces.base import Faults
from engine.traces.lines import Block
from engine.traces.masking import Masker
from engine.traces.options import HIT, KEY, LINE, LOAD, SIZE, TIME, Options
from engine.traces.tail import Lines
from engine.traces.values import LARGEST, numbers


class LogRows:
    """Makes rows, numbered without gaps, of the lines that are requests with a load time.

    Args:
        source: the id that the rows get.
        masker: what keys are kept as.
        options: the unit of the load times, if the log's is not the usual one.

    Attributes:
        faults: lines that are no rows.
        untimed: requests without a load time: they tell nothing of what a miss costs.
    """

    def __init__(self, source: int, masker: Masker, options: Options) -> None:
        self.faults = Faults(masker.text)
        self.untimed = 0
        self._source = source
        self._form = LogLine(options, self.faults)
        self._named = lru_cache(maxsize=100_000)(lambda key: _named(key, masker))

    def rows(self, lines: Lines) -> list[dict[str, Any]]:
        """One row a request, in the order of the lines."""
        block = Block(lines.data)
        table = self._form.parse(block, 1)
        if table is None or not len(table):
            return []
        names = table.column_names
        loads = numbers(table.column(LOAD)).tolist() if LOAD in names else [math.nan] * len(table)
        hits = table.column(HIT).to_pylist() if HIT in names else [False] * len(table)
        rows: list[dict[str, Any]] = []
        number, writer = lines.cursor.rows, lines.cursor.writer
        for at, key, size, load, hit, line in zip(
            numbers(table.column(TIME)).tolist(),
            table.column(KEY).to_pylist(),
            numbers(table.column(SIZE)).tolist(),
            loads,
            hits,
            table.column(LINE).to_pylist(),
            strict=True,
        ):
            if not (load < LARGEST and size < LARGEST and at >= 0):
                self._leave_out(load, block.lines[line - 1])
                continue
            name, stored = self._named(key)
            rows.append(
                {
                    "timestamp": at,
                    "source": self._source,
                    "writer": writer,
                    "sequence": number + len(rows),
                    "cache_name": name,
                    "cache_key": stored,
                    "hit": hit,
                    "load_time_ms": load,
                    "size_bytes": int(size),
                }
            )
        return rows

    def _leave_out(self, load: float, text: str) -> None:
        if math.isnan(load):
            self.untimed += 1
        else:
            self.faults.add(0, text, "its time, load time or size is no sensible number")


def _named(key: str, masker: Masker) -> tuple[str, str]:
    name = clean(endpoint_of(key))
    return "{any}" if name == TOTAL else name, stored_key(masker.key(key))
