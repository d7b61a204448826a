"""Further columns of a recording: what each holds, and its values as float32.

Categories are numbered by first appearance in the order of time, so the same requests give the
same numbers. Columns that describe the cache which recorded them are marked `recorded`: in a
simulation of another cache they would tell what that one knew.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from engine.collector.reader import YES
from engine.traces.codes import Codes
from engine.traces.info import ColumnInfo
from engine.traces.values import Times, hits, numbers

RECORDED = frozenset({
    "hit", "stale", "hit_ratio", "hit_rate", "item_count", "load_time_ms", "rl_action_taken",
    "policy_triggered", "was_cached", "cached", "cache_hit", "is_hit", "cache_status",
    "from_cache", "cache_source_query_id", "upstream_cache_status", "cache_size", "evicted",
    "eviction", "evictions", "cache_items", "cache_bytes", "x_cache", "age",
})  # fmt: skip
"""Names (lower case, `_` between words) of columns that describe the recording cache."""

BOOKKEEPING = frozenset({"id", "source", "writer", "sequence", "rowid", "row_id"})
"""Columns that number the rows: they say nothing of a request."""

MOST_CATEGORIES = 1_000
"""A text column with more is a name of single requests, no category; it is left out."""

_TELLING = 2_000
"""Texts of the first piece that tell a column's kind."""

_NO = frozenset({"0", "false", "f", "no", "n", "miss", "expired", "bypass", "off"})
_TRUTHS = YES | _NO


class Column:
    """One further column, read piece by piece; the first piece with values tells its kind.

    Args:
        name: as recorded.
        recorded: whether it describes the recording cache.
        mask: hides secrets in its texts, which are kept: a referrer may hold a token.
    """

    def __init__(self, name: str, recorded: bool, mask: Callable[[str], str] = str) -> None:
        self.name = name
        self.kind = ""
        self._recorded = recorded
        self._mask = mask
        self._codes = Codes(lambda value: mask(str(value)))
        self._times = Times()
        self._first: float | None = None
        self._rows = self._nulls = 0
        self._low, self._high = np.inf, -np.inf
        self._example = ""

    @property
    def is_too_diverse(self) -> bool:
        """Whether it has more texts than categories can be."""
        return len(self._codes) > MOST_CATEGORIES

    @property
    def is_empty(self) -> bool:
        """Whether no row had a value so far."""
        return self._low > self._high

    def encode(self, values: Any) -> NDArray[np.float32]:  # noqa: ANN401 - an Arrow array
        """The values as float32, NaN where there is none."""
        self.kind = self.kind or kind_of(values)
        found = self._numbers(values).astype(np.float32)
        there = found[~np.isnan(found)]
        self._rows += len(found)
        self._nulls += len(found) - len(there)
        if len(there):
            self._low = min(self._low, float(there.min()))
            self._high = max(self._high, float(there.max()))
        if not self._example:
            first = next((str(v) for v in _few(values) if v is not None), "")
            self._example = self._mask(first)[:80]
        return found

    def info(self) -> ColumnInfo:
        """What is known of it so far."""
        return ColumnInfo(
            name=self.name,
            kind=self.kind or "number",
            recorded=self._recorded,
            categories=tuple(str(text) for text in self._codes.values),
            nulls=self._nulls / self._rows if self._rows else 0.0,
            low=None if self.is_empty else self._low,
            high=None if self.is_empty else self._high,
            example=self._example,
        )

    def _numbers(self, values: Any) -> NDArray[np.floating[Any]]:  # noqa: ANN401 - Arrow
        if not self.kind:
            return np.full(len(values), np.nan)
        if self.kind == "time":
            return self._since_first(self._times.seconds(values))
        if self.kind == "number":
            return numbers(values)
        missing = np.asarray(values.is_null().to_numpy(zero_copy_only=False), np.bool_)
        if self.kind == "boolean":
            told: NDArray[np.floating[Any]] = hits(values).astype(np.float32)
        else:
            told = self._codes.encode(values).astype(np.float32)
        told[missing] = np.nan
        return told

    def _since_first(self, seconds: NDArray[np.float64]) -> NDArray[np.float64]:
        """float32 tells no seconds of an epoch apart, so times count from the column's first."""
        there = seconds[~np.isnan(seconds)]
        if self._first is None and len(there):
            self._first = float(there[0])
        return seconds - (self._first or 0.0)


def kind_of(values: Any) -> str:  # noqa: ANN401 - an Arrow array
    """number, boolean, time or category; empty while there is no value to tell from."""
    kind = values.type
    if pa.types.is_boolean(kind):
        return "boolean"
    if pa.types.is_temporal(kind):
        return "time"
    if pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind):
        return "number"
    there = values.drop_null()
    if not len(there):
        return ""
    if pa.types.is_string(kind) or pa.types.is_large_string(kind):
        return _kind_of_texts(there)
    return "category"


def is_recorded(name: str) -> bool:
    """Whether a column of this name (lower case, `_` between words) describes a cache."""
    return name in RECORDED


def describe(columns: Iterable[Column]) -> tuple[ColumnInfo, ...]:
    """What is known of each."""
    return tuple(column.info() for column in columns)


def _kind_of_texts(texts: Any) -> str:  # noqa: ANN401 - an Arrow array
    some = texts.slice(0, _TELLING)
    if not np.isnan(numbers(some)).any():
        return "number"
    if {str(text).strip().lower() for text in pc.unique(some).to_pylist()} <= _TRUTHS:
        return "boolean"
    return "category" if np.isnan(Times().seconds(some)).any() else "time"


def _few(values: Any) -> list[Any]:  # noqa: ANN401 - an Arrow array
    return list(values.slice(0, 20).to_pylist())
