"""From tables of rows to the arrays of a trace: numbers for keys and endpoints, costs, columns."""

from __future__ import annotations

from array import array
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from engine.collector.names import MAX_LENGTH, endpoint_of
from engine.keys import clean
from engine.records import OTHER
from engine.traces.codes import Codes
from engine.traces.columns import Column, is_recorded
from engine.traces.costs import MissCosts
from engine.traces.mapping import plain
from engine.traces.masking import Masker
from engine.traces.modelled import ModelledCosts
from engine.traces.options import HIT, KEY, LOAD, NAME, SIZE, TIME, Options
from engine.traces.spool import Spool
from engine.traces.trace import COLUMN
from engine.traces.values import numbers

MOST_NAMES = 1_000
"""Endpoints told apart; further ones are one, named `engine.records.OTHER`."""

MEASURED, MODELLED, NONE = "measured", "modelled", "none"


class Rows:
    """Numbers and prices rows in the order of time and hands them to a spool.

    Args:
        spool: keeps the arrays.
        options: how costs and keys are to be treated.
        masker: what keys are kept as.
    """

    def __init__(self, spool: Spool, options: Options, masker: Masker) -> None:
        self._spool = spool
        self._masker = masker
        self._names = Codes(self._name)
        self._known_names: set[str] = set()
        self._keys = Codes(masker.key, self._name_of_key)
        self._key_names = array("i")
        self._model = ModelledCosts(options.seed) if options.model_cost else None
        self._costs = MissCosts()
        self.columns: dict[str, Column] = {}
        self.has: frozenset[str] = frozenset()
        self.dropped: list[str] = []

    @property
    def costs(self) -> str:
        """Where costs come from: measured, modelled or none."""
        if self._model is not None:
            return MODELLED
        return MEASURED if LOAD in self.has else NONE

    @property
    def cost_model(self) -> str:
        """How a modelled cost came about; empty if none is."""
        return self._model.sentence() if self._model else ""

    @property
    def estimated(self) -> int:
        """Hits whose cost is a mean, since their key had no earlier miss."""
        return self._costs.estimated

    @property
    def names(self) -> tuple[str, ...]:
        """Endpoints, by number."""
        return tuple(self._names.values)

    @property
    def distinct(self) -> int:
        """Keys so far."""
        return len(self._keys)

    def key_texts(self) -> pa.Array:
        """The text of each key, by number."""
        return pa.array(self._keys.values, pa.string())

    def add(self, table: pa.Table) -> None:
        """Take the rows of one table, later than all before."""
        if not len(table):
            return
        self.has = self.has or frozenset(table.column_names)
        keys = self._keys.encode(table.column(KEY))
        groups = np.frombuffer(self._key_names, np.int32)[keys]
        if NAME in table.column_names:
            told = self._names.encode(table.column(NAME))
            groups = np.where(told < 0, groups, told)
        arrays: dict[str, NDArray[Any]] = {
            "time": self._times(table),
            "key": keys,
            "group": groups,
            "size": self._sizes(table),
            "cost": self._priced(table, keys, groups),
        }
        self._spool.append(arrays | self._further(table))

    def drop_empty(self) -> None:
        """Forget further columns without a single value."""
        for name in [name for name, column in self.columns.items() if column.is_empty]:
            del self.columns[name]
            self._spool.drop(name)

    def _name_of_key(self, key: object) -> None:
        name = "{id}" if isinstance(key, int) else endpoint_of(str(key))
        # Named by the recording, the endpoint that a key looks like would be one name too many.
        self._key_names.append(0 if NAME in self.has else self._names.number(name))

    def _name(self, name: object) -> str:
        shaped = self._masker.name(clean(str(name)))[:MAX_LENGTH] or OTHER
        if shaped not in self._known_names:
            if len(self._known_names) >= MOST_NAMES:
                return OTHER
            self._known_names.add(shaped)
        return shaped

    def _times(self, table: pa.Table) -> NDArray[np.float64]:
        if TIME in table.column_names:
            return numbers(table.column(TIME))
        return np.arange(self._spool.rows, self._spool.rows + len(table), dtype=np.float64)

    @staticmethod
    def _sizes(table: pa.Table) -> NDArray[np.int64]:
        if SIZE not in table.column_names:
            return np.ones(len(table), np.int64)
        return np.maximum(numbers(table.column(SIZE)), 1).astype(np.int64)

    def _priced(
        self, table: pa.Table, keys: NDArray[np.int32], groups: NDArray[np.int32]
    ) -> NDArray[np.float64]:
        if self._model is not None:
            return self._model.of(keys, groups)
        if LOAD not in table.column_names:
            return np.ones(len(table))
        return self._costs.of(keys, groups, numbers(table.column(LOAD)), _hits(table))

    def _further(self, table: pa.Table) -> dict[str, NDArray[Any]]:
        made: dict[str, NDArray[Any]] = {}
        for stored in table.column_names:
            if stored.startswith(COLUMN):
                name = stored.removeprefix(COLUMN)
            elif stored in {HIT, LOAD}:
                name = stored
            else:
                continue
            if name in self.dropped:
                continue
            if name not in self.columns:
                self.columns[name] = Column(name, is_recorded(plain(name)), self._masker.text)
            column = self.columns[name]
            made[COLUMN + name] = column.encode(table.column(stored))
            if column.is_too_diverse:
                del self.columns[name], made[COLUMN + name]
                self.dropped.append(name)
                self._spool.drop(name)
        return made


def _hits(table: pa.Table) -> NDArray[np.bool_] | None:
    if HIT not in table.column_names:
        return None
    found = table.column(HIT).fill_null(False).to_numpy()
    return np.asarray(found, np.bool_)
