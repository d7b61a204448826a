"""One round of forecasts: rows for the store and messages for the queue, of the same ids."""

from __future__ import annotations

import math
import time
import uuid
from typing import Any

import msgspec

from engine.broker.base import Message
from engine.clock import Clock
from engine.forecast.base import Forecaster, Series
from engine.records import Prediction

MOST_BEHIND = 12
"""Intervals that the collector may lag before a forecast from its rows is worth nothing."""


def predict(
    forecaster: Forecaster, series: Series, source: int, horizon: int, now: float
) -> list[Prediction]:
    """Forecasts of every endpoint for the interval that begins next, and those behind it.

    The interval that is running now lies before them; it is forecast too and thrown away. Nothing
    comes back when the series ends too long ago.
    """
    interval = series.interval_s
    valid_from = (math.floor(now / interval) + 1) * interval
    skipped = round((valid_from - series.end) / interval)
    if not series.endpoints or not 0 <= skipped <= MOST_BEHIND:
        return []
    forecast = forecaster.forecast(series, horizon + skipped).steps(skipped, horizon + skipped)
    return [
        Prediction(
            id=uuid.uuid4().hex,
            at=now,
            source=source,
            cache_name=name,
            interval_s=interval,
            valid_from=valid_from,
            valid_until=valid_from + interval,
            demand=_values(forecast.demand, column),
            demand_low=_values(forecast.demand_low, column),
            demand_high=_values(forecast.demand_high, column),
            load_time_ms=_values(forecast.load_time_ms, column),
            forecaster=forecaster.name,
        )
        for column, name in enumerate(series.endpoints)
    ]


def row(prediction: Prediction) -> dict[str, Any]:
    """The row of `predictions`."""
    return {
        "id": prediction.id,
        "at": prediction.at,
        "source": prediction.source,
        "cache_name": prediction.cache_name,
        "interval_s": prediction.interval_s,
        "valid_from": prediction.valid_from,
        "valid_until": prediction.valid_until,
        "demand": prediction.demand[0],
        "demand_low": prediction.demand_low[0],
        "demand_high": prediction.demand_high[0],
        "load_time_ms": prediction.load_time_ms[0],
        "horizon": {
            "demand": list(prediction.demand),
            "demand_low": list(prediction.demand_low),
            "demand_high": list(prediction.demand_high),
            "load_time_ms": list(prediction.load_time_ms),
        },
        "forecaster": prediction.forecaster,
    }


def message(prediction: Prediction, clock: Clock) -> Message:
    """The record for the queue; it expires when its interval is over."""
    sent_ns = time.monotonic_ns()
    left_s = max(prediction.valid_until - clock.now(), 0.0)
    return Message(
        prediction.id, msgspec.json.encode(prediction), sent_ns, sent_ns + int(left_s * 1e9)
    )


def _values(steps: Any, column: int) -> tuple[float, ...]:  # noqa: ANN401 - a NumPy array
    return tuple(round(float(value), 4) for value in steps[:, column])
