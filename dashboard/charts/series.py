"""From rollup and sample frames to the long frames that charts draw; pure functions.

Long form: `at` (seconds since the epoch), `series`, `value`. A stretch without any row that is
longer than `GAP_S` stays a gap, so that a stopped engine does not look like silent traffic.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
import pandas as pd

from dashboard.charts.palette import POLICY_NAMES

Values = npt.NDArray[np.float64]

GAP_S = 15.0
SMOOTH_S = 10
"""Ratios are taken over this many seconds: over one second they are mostly noise."""


def regular(frame: pd.DataFrame, width: int, names: list[str]) -> pd.DataFrame:
    """One row per bucket from the first to the last; short holes are 0, long ones NaN."""
    if frame.empty:
        return pd.DataFrame(columns=["at", *names], dtype="float64")
    known, place = np.unique(frame["at"].to_numpy("float64").astype(np.int64), return_inverse=True)
    sums = np.zeros((len(known), len(names)))
    np.add.at(sums, place, np.nan_to_num(frame[names].to_numpy("float64", na_value=np.nan)))
    grid = np.arange(known[0], known[-1] + 1, width)
    after = np.searchsorted(known, grid, side="left")
    before = np.searchsorted(known, grid, side="right") - 1
    is_known = known[after] == grid
    full = np.full((len(grid), len(names)), np.nan)
    full[is_known] = sums[after[is_known]]
    full[~is_known & (known[after] - known[before] <= max(GAP_S, 3 * width))] = 0.0
    return pd.DataFrame({"at": grid} | dict(zip(names, full.T, strict=True)))


def _windowed(values: Values, width: int) -> Values:
    """Sums over the last `SMOOTH_S`, of what is known; NaN where nothing is."""
    window = np.ones(max(1, SMOOTH_S // width))
    sums = np.convolve(np.nan_to_num(values), window)[: len(values)]
    known = np.convolve(~np.isnan(values), window)[: len(values)]
    return np.where(known > 0.5, sums, np.nan)


def _long(full: pd.DataFrame, value: pd.Series | Values, series: str) -> pd.DataFrame:
    return pd.DataFrame({"at": full["at"], "series": series, "value": value})


def rate(frame: pd.DataFrame, width: int, column: str, series: str) -> pd.DataFrame:
    """A summed column per second."""
    full = regular(frame, width, [column])
    return _long(full, full[column] / width, series)


def share(frame: pd.DataFrame, width: int, over: str, under: str, series: str) -> pd.DataFrame:
    """`over` divided by `under`, both summed over the last `SMOOTH_S` seconds."""
    full = regular(frame, width, [over, under])
    if full.empty:
        return _long(full, full[over], series)
    above, below = full[over].to_numpy("float64"), full[under].to_numpy("float64")
    sums = _windowed(below, width)
    sums[~(sums > 0) | np.isnan(below)] = np.nan
    return _long(full, _windowed(above, width) / sums, series)


def by_policy(frame: pd.DataFrame, width: int, over: str, under: str) -> pd.DataFrame:
    """`share` for each policy of the frame, named as on the pages."""
    each = dict(iter(frame.groupby("policy")))
    parts = [
        share(each[policy], width, over, under, name)
        for policy, name in POLICY_NAMES.items()
        if policy in each
    ]
    return pd.concat(parts, ignore_index=True) if parts else empty()


def columns(frame: pd.DataFrame, names: Mapping[str, str]) -> pd.DataFrame:
    """Columns of a per-second frame as series: column -> series name."""
    parts = [
        pd.DataFrame({"at": frame["at"], "series": series, "value": frame[column]})
        for column, series in names.items()
    ]
    return pd.concat(parts, ignore_index=True) if not frame.empty else empty()


def rolled(frame: pd.DataFrame, names: Mapping[str, str]) -> pd.DataFrame:
    """Columns counted per second as means over `SMOOTH_S`; seconds without a row count as 0."""
    full = regular(frame, 1, list(names))
    parts = [
        _long(full, full[column].rolling(SMOOTH_S, min_periods=1).mean(), series)
        for column, series in names.items()
    ]
    return pd.concat(parts, ignore_index=True) if not frame.empty else empty()


def peaks(frame: pd.DataFrame, column: str, width: int) -> pd.DataFrame:
    """The row with the highest `column` of every `width` seconds."""
    if frame.empty or width <= 1:
        return frame
    values = pd.to_numeric(frame[column]).fillna(-1.0)
    return frame.loc[values.groupby(frame["at"] // width).idxmax()]


def empty() -> pd.DataFrame:
    """A long frame without rows."""
    return pd.DataFrame(
        {
            "at": pd.Series(dtype="float64"),
            "series": pd.Series(dtype="str"),
            "value": pd.Series(dtype="float64"),
        }
    )


def endpoint_table(frame: pd.DataFrame, span_s: float) -> pd.DataFrame:
    """Per endpoint over the window: requests/s, hit ratio, mean load times, saved, stale."""
    sums = frame.groupby("cache_name")[
        ["requests", "hits", "stale_hits", "load_time_ms", "miss_load_time_ms", "saved_ms"]
    ].sum()
    requests = sums["requests"].where(sums["requests"] > 0)
    misses = sums["requests"] - sums["hits"]
    hits = sums["hits"]
    table = pd.DataFrame(
        {
            "endpoint": sums.index.astype(str),
            "requests_per_s": (sums["requests"] / max(span_s, 1.0)).to_numpy(),
            "hit_ratio": (hits / requests).to_numpy(),
            "hit_ms": (
                (sums["load_time_ms"] - sums["miss_load_time_ms"]) / hits.where(hits > 0)
            ).to_numpy(),
            "miss_ms": (sums["miss_load_time_ms"] / misses.where(misses > 0)).to_numpy(),
            "saved_ms_per_request": (sums["saved_ms"] / requests).to_numpy(),
            "stale_share": (sums["stale_hits"] / hits.where(hits > 0)).to_numpy(),
        }
    )
    return table.sort_values("requests_per_s", ascending=False, ignore_index=True)


def column_table(rows: pd.DataFrame) -> pd.DataFrame:
    """Each column's name, type, an example and its share of nulls in these rows."""
    return pd.DataFrame(
        {
            "column": rows.columns,
            "type": [str(kind) for kind in rows.convert_dtypes().dtypes],
            "example": [_example(rows[name]) for name in rows.columns],
            "nulls": [float(rows[name].isna().mean()) for name in rows.columns],
        }
    )


def _example(values: pd.Series) -> str:
    known = values.dropna()
    return "" if known.empty else str(known.iloc[0])[:80]
