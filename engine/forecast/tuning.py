"""From tunables to the configuration of a forecaster."""

from __future__ import annotations

from pathlib import Path

from engine.forecast.base import LEAD, Config
from engine.settings import Settings
from engine.tunables import Tuned


def config_of(tuned: Tuned) -> Config:
    """The configuration that the tunables ask for; lengths in seconds become intervals."""
    interval_s = tuned.whole("forecast.interval_s")
    return Config(
        interval_s=float(interval_s),
        horizon=tuned.whole("forecast.horizon") + LEAD,
        window=tuned.whole("forecast.window"),
        season=max(1, round(tuned.number("forecast.season_s") / interval_s)),
        hidden_size=tuned.whole("forecast.hidden_size"),
        layers=tuned.whole("forecast.layers"),
        quantised=tuned.text("forecast.quantised"),
    )


def checkpoint_path(settings: Settings, source: int, name: str) -> Path:
    """Where a source's trained forecaster of that name is kept."""
    return settings.data_path / "checkpoints" / f"forecaster-{source}-{name}.json"
