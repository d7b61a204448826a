"""Forecasts of demand and load time, per endpoint."""

from __future__ import annotations

FORECASTERS: dict[str, str] = {
    "lstm": "engine.forecast.lstm:LSTMForecaster",
    "last": "engine.forecast.naive:LastValue",
    "seasonal": "engine.forecast.naive:SeasonalValue",
}
