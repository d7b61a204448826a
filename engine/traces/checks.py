"""Rows that make no sense, told and left out before anything is reckoned with them."""

from __future__ import annotations

from functools import partial

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from engine.errors import TraceError
from engine.traces.base import Faults
from engine.traces.options import HIT, KEY, LINE, LOAD, NAME, SIZE, TIME
from engine.traces.values import LARGEST, numbers

_LATEST_S = 1e11

_RULES = (
    (TIME, _LATEST_S, "time"),
    (LOAD, LARGEST, "load time"),
    (SIZE, LARGEST, "size"),
)


class Checked:
    """Lets good rows through; the first table tells which columns the recording has.

    Args:
        where: the file or table, for messages.
        kind: what it was read as, for messages.
        faults: counts what is left out.
    """

    def __init__(self, where: str, kind: str, faults: Faults) -> None:
        self._where = where
        self._kind = kind
        self._faults = faults
        self._roles: set[str] | None = None
        self.rows = 0

    def good(self, table: pa.Table) -> pa.Table:
        """The rows that can be used.

        Raises:
            TraceError: more rows cannot be used than can; the first of them is named.
        """
        table = self._same_roles(table)
        bad: NDArray[np.bool_] = np.asarray(table.column(KEY).is_null().to_numpy(), np.bool_)
        self._tell(table, bad, "it has no key")
        for role, most, word in _RULES:
            if role in table.column_names:
                values = numbers(table.column(role))
                wrong = ~((values >= 0) & (values < most)) & ~bad
                self._tell(table, wrong, f"its {word} is missing or no sensible number")
                bad = bad | wrong
        self.rows += len(table) - int(bad.sum())
        if self._faults.count > self.rows + 100:
            raise self.refusal()
        return table.filter(pa.array(~bad)) if bad.any() else table

    def refusal(self) -> TraceError:
        """Why nothing, or hardly anything, of it can be used."""
        if not self._faults.samples:
            left = "; ".join(
                f"{count:,} rows: {why}" for why, count in self._faults.left_out.items()
            )
            return TraceError(
                f"{self._where} holds no request; there is nothing to import"
                f"{f' ({left})' if left else ''}."
            )
        first = self._faults.samples[0]
        return TraceError(
            f"{self._where} does not read as {self._kind}: {self._faults.count:,} rows cannot be "
            f"used, the first at {first.line} because {first.why} ({first.text[:80]!r}); name its "
            "format or columns, and look at --preview."
        )

    def _tell(self, table: pa.Table, wrong: NDArray[np.bool_], why: str) -> None:
        for at in np.flatnonzero(wrong).tolist():
            self._faults.add(table.column(LINE)[at].as_py(), partial(_told, table, at), why)

    def _same_roles(self, table: pa.Table) -> pa.Table:
        there = {TIME, LOAD, SIZE, HIT, NAME} & set(table.column_names)
        if self._roles is None:
            self._roles = there
        for role in sorted(self._roles - there):
            table = table.append_column(role, pa.nulls(len(table), _TYPES[role]))
        return table.drop_columns(sorted(there - self._roles))


_TYPES = {
    TIME: pa.float64(), LOAD: pa.float64(), SIZE: pa.float64(), HIT: pa.bool_(), NAME: pa.string(),
}  # fmt: skip


def _told(table: pa.Table, at: int) -> str:
    row = table.slice(at, 1).to_pylist()[0]
    return ", ".join(f"{name}={row[name]}" for name in (TIME, KEY, LOAD, SIZE) if name in row)
