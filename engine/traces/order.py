"""Requests in the order of time: small disorder is put right, more of it is refused.

Servers write a line when they have answered, several at once; so lines of a log are a little out
of order. A file whose lines jump back by more was not written in the order of time, or its times
were misread; to sort it quietly would hide that.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np
import pyarrow as pa

from engine.errors import TraceError
from engine.traces.options import LINE, TIME

TOLERANCE_S = 60.0
"""How far a row may lie behind the latest before it."""

MOST_HELD = 500_000
"""Rows held back while an earlier one may still come; beyond, the oldest go on."""


class Ordered:
    """Puts tables of rows into the order of time, ties in the order of the file.

    Args:
        where: the file or table, for messages.
        number: how a row's place there is called (line, row).
    """

    def __init__(self, where: str, number: str = "line") -> None:
        self._where = where
        self._number = number
        self._latest = self._given = -np.inf
        self._held: pa.Table | None = None

    def sort(self, tables: Iterable[pa.Table]) -> Iterator[pa.Table]:
        """The same rows, sorted; tables without times pass as they are.

        Raises:
            TraceError: a row lies too far behind one before it; the message names its line.
        """
        for table in tables:
            if TIME not in table.column_names:
                yield table
                continue
            self._check(table)
            yield from self._emit(table, is_last=False)
        if self._held is not None:
            yield from self._emit(self._held.slice(0, 0), is_last=True)

    def _check(self, table: pa.Table) -> None:
        times = table.column(TIME).to_numpy()
        latest = np.maximum.accumulate(np.maximum(times, self._latest))
        late = np.flatnonzero((latest - times > TOLERANCE_S) | (times < self._given))
        if len(late):
            at = int(late[0])
            line = table.column(LINE)[at].as_py()
            raise TraceError(
                f"{self._where} is not in the order of time: {self._number} {line} lies "
                f"{latest[at] - times[at]:,.0f} s behind one before it; sort it by time first "
                "and check that times were read rightly (--preview)."
            )
        self._latest = float(latest[-1]) if len(latest) else self._latest

    def _emit(self, table: pa.Table, is_last: bool) -> Iterator[pa.Table]:
        if self._held is not None and len(self._held):
            table = _joined(self._held, table)
        times = table.column(TIME).to_numpy()
        if np.any(np.diff(times) < 0):
            order = np.argsort(times, kind="stable")
            table, times = table.take(pa.array(order)), times[order]
        ready = len(table)
        if not is_last:
            ready = int(np.searchsorted(times, self._latest - TOLERANCE_S, side="right"))
            ready = max(ready, len(table) - MOST_HELD)
        self._held = table.slice(ready)
        if ready:
            self._given = float(times[ready - 1])
            yield table.slice(0, ready)


def _joined(one: pa.Table, other: pa.Table) -> pa.Table:
    """Both, one behind the other; a column of two kinds becomes text."""
    try:
        return pa.concat_tables([one, other], promote_options="permissive")
    except pa.ArrowException:
        differ = {
            field.name
            for field in one.schema
            if field.name in other.column_names and other.schema.field(field.name) != field
        }
        texts = [_as_texts(table, differ) for table in (one, other)]
        return pa.concat_tables(texts, promote_options="permissive")


def _as_texts(table: pa.Table, names: set[str]) -> pa.Table:
    kinds = [
        pa.field(field.name, pa.string() if field.name in names else field.type)
        for field in table.schema
    ]
    return table.cast(pa.schema(kinds))
