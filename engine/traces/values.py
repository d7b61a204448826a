"""Values of a column, as they were recorded, as the numbers we reckon with."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from engine.collector.reader import YES
from engine.collector.stamps import SCALE, clockwork_of
from engine.errors import TraceError

UNITS = {"s": 1e3, "ms": 1.0, "us": 1e-3}
"""Unit of a load time -> milliseconds."""

LARGEST = 1e15
"""Above it a size in bytes or a time in ms is a mistake."""

_NANOSECONDS_FROM = 1e17


def numbers(values: Any) -> NDArray[np.float64]:  # noqa: ANN401 - an Arrow array
    """As float64, NaN where there is no number."""
    if pa.types.is_dictionary(values.type):
        values = values.dictionary_decode()
    if pa.types.is_decimal(values.type) or pa.types.is_boolean(values.type):
        values = values.cast(pa.float64())
    try:
        plain = pc.cast(values, pa.float64())
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        told = pd.to_numeric(pd.Series(values.to_pylist(), dtype=object), errors="coerce")
        return told.to_numpy(np.float64)
    return np.asarray(plain.to_numpy(zero_copy_only=False), np.float64)


class Times:
    """Times of one column as seconds since the epoch; the first ones tell how they are written."""

    def __init__(self) -> None:
        self._scale = 0.0

    def seconds(self, values: Any) -> NDArray[np.float64]:  # noqa: ANN401 - an Arrow array
        """NaN where there is no time; texts without a zone are UTC."""
        if pa.types.is_timestamp(values.type):
            # Not nanoseconds: as doubles they would be off by a quarter of a microsecond.
            moments = values.cast(pa.timestamp("us", values.type.tz), safe=False)
            return _nan_where_null(moments, 1e6)
        if not pa.types.is_string(values.type) and not pa.types.is_large_string(values.type):
            return self._scaled(numbers(values))
        plain = numbers(values)
        return _of_texts(values) if np.isnan(plain).all() else self._scaled(plain)

    def _scaled(self, plain: NDArray[np.float64]) -> NDArray[np.float64]:
        if not self._scale:
            known = plain[np.isfinite(plain)]
            newest = float(np.median(known)) if len(known) else 0.0
            self._scale = 1e9 if newest >= _NANOSECONDS_FROM else SCALE[clockwork_of(newest)]
        return plain / self._scale


def _of_texts(values: Any) -> NDArray[np.float64]:  # noqa: ANN401 - an Arrow array
    # Many rows share a second, and reading a text is dear.
    encoded = pc.dictionary_encode(values)
    encoded = encoded.combine_chunks() if isinstance(encoded, pa.ChunkedArray) else encoded
    moments = pd.to_datetime(
        pd.Series(encoded.dictionary.to_pylist(), dtype=object),
        utc=True,
        errors="coerce",
        format="ISO8601",
    )
    told = moments.to_numpy("datetime64[us]").astype(np.float64)
    told[moments.isna().to_numpy()] = np.nan
    at = encoded.indices.fill_null(-1).to_numpy(zero_copy_only=False)
    return np.where(at < 0, np.nan, np.append(told, np.nan)[at] / 1e6)


def _nan_where_null(moments: Any, scale: float) -> NDArray[np.float64]:  # noqa: ANN401 - Arrow
    whole = moments.cast(pa.int64())
    told = np.asarray(whole.fill_null(0).to_numpy(zero_copy_only=False), np.float64) / scale
    told[whole.is_null().to_numpy(zero_copy_only=False)] = np.nan
    return told


def hits(values: Any) -> NDArray[np.bool_]:  # noqa: ANN401 - an Arrow array
    """Whether each request was answered by a cache; what is neither yes nor no counts as miss."""
    if pa.types.is_boolean(values.type):
        return np.asarray(values.fill_null(False).to_numpy(zero_copy_only=False), np.bool_)
    if pa.types.is_dictionary(values.type):
        values = values.dictionary_decode()
    if not pa.types.is_string(values.type):
        return np.asarray(np.nan_to_num(numbers(values)) != 0, np.bool_)
    told = pc.utf8_lower(pc.utf8_trim_whitespace(values))
    found = pc.is_in(told, pa.array(sorted(YES)))
    return np.asarray(found.to_numpy(zero_copy_only=False), np.bool_)


def milliseconds_in(unit: str) -> float:
    """How many milliseconds one `unit` has.

    Raises:
        TraceError: it is none that we know.
    """
    if unit not in UNITS:
        raise TraceError(
            f"There is no unit {unit!r} of load times; use one of: {', '.join(UNITS)}."
        )
    return UNITS[unit]
