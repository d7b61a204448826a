"""Forecasts beside what came: pure functions from rows to the long frames of charts."""

from __future__ import annotations

import numpy as np
import pandas as pd

from dashboard.charts.series import empty

CAME, MODEL, NAIVE = "came", "forecast", "last value"
"""Names of the series, as the legends show them."""

SMOOTH = 12
"""Intervals over which live errors are averaged."""


def compare(predictions: pd.DataFrame, rollups: pd.DataFrame, until: float) -> pd.DataFrame:
    """One row per forecast interval that is over: forecast and what came, as rates per second.

    `rollups` are one endpoint's seconds. Columns: at, demand, low, high, came, load_time_ms,
    came_load_ms (NaN without a miss). An interval before the first recorded second is left out.
    """
    over = predictions[predictions["valid_until"] <= until]
    if over.empty or rollups.empty:
        return pd.DataFrame(
            columns=["at", "demand", "low", "high", "came", "load_time_ms", "came_load_ms"],
            dtype="float64",
        )
    seconds = rollups.sort_values("at")
    at = seconds["at"].to_numpy(dtype="float64")
    over = over[over["valid_from"] >= at[0]].drop_duplicates("valid_from", keep="last")
    first = np.searchsorted(at, over["valid_from"].to_numpy(dtype="float64"), side="left")
    last = np.searchsorted(at, over["valid_until"].to_numpy(dtype="float64"), side="left")
    length = over["interval_s"].to_numpy(dtype="float64")

    def between(name: str) -> np.ndarray:
        sums = np.concatenate([[0.0], seconds[name].to_numpy(dtype="float64").cumsum()])
        return np.asarray(sums[last] - sums[first])

    misses = between("requests") - between("hits")
    spent = between("miss_load_time_ms")
    return pd.DataFrame(
        {
            "at": over["valid_from"].to_numpy(dtype="float64"),
            "demand": over["demand"].to_numpy(dtype="float64") / length,
            "low": over["demand_low"].to_numpy(dtype="float64") / length,
            "high": over["demand_high"].to_numpy(dtype="float64") / length,
            "came": between("requests") / length,
            "load_time_ms": over["load_time_ms"].to_numpy(dtype="float64"),
            "came_load_ms": np.divide(
                spent, misses, out=np.full(len(spent), np.nan), where=misses > 0
            ),
        }
    )


def demand_lines(compared: pd.DataFrame) -> pd.DataFrame:
    """Forecast with its band, and what came."""
    forecast = pd.DataFrame(
        {
            "at": compared["at"],
            "series": "forecast",
            "value": compared["demand"],
            "low": compared["low"],
            "high": compared["high"],
        }
    )
    came = pd.DataFrame({"at": compared["at"], "series": "came", "value": compared["came"]})
    return pd.concat([came, forecast], ignore_index=True)


def load_lines(compared: pd.DataFrame) -> pd.DataFrame:
    """Expected load time of a miss, and the mean that came."""
    pairs = (("came", "came_load_ms"), ("forecast", "load_time_ms"))
    parts = [
        pd.DataFrame({"at": compared["at"], "series": name, "value": compared[column]})
        for name, column in pairs
    ]
    return pd.concat(parts, ignore_index=True).dropna(subset=["value"])


def errors(compared: pd.DataFrame) -> pd.DataFrame:
    """Absolute error of the forecast and of the last value, as running means, requests/s."""
    if len(compared) < 2:
        return empty()
    model = (compared["demand"] - compared["came"]).abs()
    naive = (compared["came"] - compared["came"].shift()).abs()
    parts = [
        pd.DataFrame(
            {"at": compared["at"], "series": name, "value": error.rolling(SMOOTH, 1).mean()}
        )
        for name, error in ((MODEL, model), (NAIVE, naive))
    ]
    return pd.concat(parts, ignore_index=True).dropna(subset=["value"])


def score_table(scores: pd.DataFrame, endpoint: str = "*") -> pd.DataFrame:
    """The newest judgement of each forecaster for one endpoint, best first."""
    mine = scores[scores["cache_name"] == endpoint]
    newest = mine.sort_values("at").drop_duplicates("forecaster", keep="last")
    return newest.sort_values("demand_mae", ignore_index=True)
