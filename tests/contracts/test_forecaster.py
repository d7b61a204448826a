"""What every row of FORECASTERS must do."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from engine.errors import CheckpointError
from engine.forecast import FORECASTERS
from engine.forecast.base import Config, Forecast, Forecaster, Series
from engine.registry import resolve
from tests.engine.forecast.generated import SEASON, seasonal

CONFIG = Config(horizon=5, window=12, season=SEASON, hidden_size=8, quantised="off")
PARTS = (
    "demand",
    "demand_low",
    "demand_high",
    "load_time_ms",
    "load_time_low_ms",
    "load_time_high_ms",
)


def make(name: str, config: Config = CONFIG) -> Forecaster:
    forecaster: Forecaster = resolve(FORECASTERS, name, "forecaster")(config)
    return forecaster


@pytest.fixture(scope="module", params=list(FORECASTERS))
def fitted(request: pytest.FixtureRequest) -> Forecaster:
    forecaster = make(request.param)
    shares: list[float] = []
    forecaster.fit(seasonal(160), shares.append)
    assert shares
    assert all(0 <= share <= 1 for share in shares)
    return forecaster


def same(one: Forecast, other: Forecast) -> bool:
    return all(np.allclose(getattr(one, part), getattr(other, part)) for part in PARTS)


def test_it_carries_the_name_of_its_row(fitted: Forecaster) -> None:
    assert fitted.name in FORECASTERS


@pytest.mark.parametrize("horizon", [1, 5, 9])
def test_a_forecast_has_the_asked_shape_and_is_finite(fitted: Forecaster, horizon: int) -> None:
    forecast = fitted.forecast(seasonal(160), horizon)
    for part in PARTS:
        values = getattr(forecast, part)
        assert values.shape == (horizon, 4)
        assert np.isfinite(values).all()
        assert (values >= 0).all()


def test_low_mean_and_high_never_cross(fitted: Forecaster) -> None:
    forecast = fitted.forecast(seasonal(160), 5)
    assert (forecast.demand_low <= forecast.demand + 1e-9).all()
    assert (forecast.demand <= forecast.demand_high + 1e-9).all()
    assert (forecast.load_time_low_ms <= forecast.load_time_high_ms).all()


def test_nothing_of_the_future_is_seen(fitted: Forecaster) -> None:
    series = seasonal(200)
    shuffled = Series(
        series.endpoints,
        np.concatenate([series.demand[:150], series.demand[150:][::-1] * 100]),
        np.concatenate([series.load_time_ms[:150], series.load_time_ms[150:][::-1] * 100]),
        series.interval_s,
        series.end,
    )
    assert same(fitted.forecast(series.until(150), 5), fitted.forecast(shuffled.until(150), 5))


def test_a_series_shorter_than_the_window_is_no_trouble(fitted: Forecaster) -> None:
    assert fitted.forecast(seasonal(160).until(3), 5).demand.shape == (5, 4)


def test_an_endpoint_never_seen_before_is_forecast_too(fitted: Forecaster) -> None:
    series = seasonal(60)
    renamed = Series(
        ("/new", *series.endpoints[1:]), series.demand, series.load_time_ms, 5.0, series.end
    )
    assert np.isfinite(fitted.forecast(renamed, 5).demand).all()


def test_what_is_restored_forecasts_the_same(fitted: Forecaster, tmp_path: Path) -> None:
    path = tmp_path / "forecaster-1.json"
    fitted.save(path)
    again = make(fitted.name)
    again.restore(path)
    assert same(fitted.forecast(seasonal(160), 5), again.forecast(seasonal(160), 5))


@pytest.mark.parametrize("damage", ["json", "tensors", "absent"])
def test_a_damaged_checkpoint_is_one_sentence(
    fitted: Forecaster, tmp_path: Path, damage: str
) -> None:
    path = tmp_path / "forecaster-1.json"
    fitted.save(path)
    blobs = list(tmp_path.glob("*.pt"))
    # A forecaster without tensors keeps everything in the one file.
    broken = blobs[0] if damage == "tensors" and blobs else path
    if damage == "absent":
        broken.unlink()
    else:
        content = bytearray(broken.read_bytes())
        content[len(content) // 2] ^= 0xFF
        broken.write_bytes(bytes(content))
    with pytest.raises(CheckpointError) as caught:
        make(fitted.name).restore(path)
    assert "\n" not in str(caught.value)
