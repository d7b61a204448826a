"""The LSTM: real training on a series whose shape is known."""

from __future__ import annotations

from pathlib import Path

import msgspec
import numpy as np
import pytest

from engine.errors import CheckpointError, ModelNotFitted
from engine.forecast.backtest import backtest, judge, origins, split
from engine.forecast.base import Config
from engine.forecast.features import fit_scales
from engine.forecast.lstm import LSTMForecaster
from engine.forecast.naive import LastValue, SeasonalValue
from engine.records import TOTAL
from tests.engine.forecast.generated import SEASON, seasonal

CONFIG = Config(horizon=6, window=20, season=SEASON, hidden_size=24, quantised="off")


@pytest.fixture(scope="module")
def trained() -> LSTMForecaster:
    forecaster = LSTMForecaster(CONFIG)
    forecaster.fit(split(seasonal())[0])
    return forecaster


def test_it_beats_the_last_value_where_there_is_a_season(trained: LSTMForecaster) -> None:
    series = seasonal()
    _, held = split(series)
    rivals = {"lstm": trained, "last": LastValue(CONFIG), "seasonal": SeasonalValue(CONFIG)}
    scores = backtest(series, rivals, origins(len(series), held, 6), 6)
    mase = {score.forecaster: score.demand_mase for score in scores if score.cache_name == TOTAL}
    assert mase["last"] == pytest.approx(1.0)
    assert mase["lstm"] < 0.8
    assert judge(scores, "lstm").chosen == "lstm"


def test_its_interval_holds_most_outcomes(trained: LSTMForecaster) -> None:
    series = seasonal()
    scores = backtest(series, {"lstm": trained}, origins(len(series), 80, 6), 6)
    assert 0.65 < scores[0].coverage < 0.95


def test_normalisers_are_fitted_on_the_training_part_alone() -> None:
    small = Config(horizon=6, window=20, season=SEASON, hidden_size=4, quantised="off")
    series, spoiled = seasonal(200), seasonal(200)
    spoiled.demand[170:] *= 1000  # what training stops by
    scales = []
    for one in (series, spoiled):
        forecaster = LSTMForecaster(small)
        forecaster.fit(one)
        scales.append(forecaster._scales)
    assert scales[0] == scales[1]
    assert scales[0] != fit_scales(spoiled)


def test_the_same_seed_trains_the_same_network() -> None:
    small = Config(horizon=3, window=8, season=SEASON, hidden_size=4, quantised="off")
    forecasts = []
    for _ in range(2):
        forecaster = LSTMForecaster(small)
        forecaster.fit(seasonal(90))
        forecasts.append(forecaster.forecast(seasonal(90), 3).demand)
    assert np.array_equal(forecasts[0], forecasts[1])


def test_eight_bit_weights_forecast_nearly_the_same(
    trained: LSTMForecaster, tmp_path: Path
) -> None:
    trained.save(tmp_path / "f.json")
    small = LSTMForecaster(msgspec.structs.replace(CONFIG, quantised="on"))
    small.restore(tmp_path / "f.json")
    assert small.is_quantised
    plain, rough = trained.forecast(seasonal(), 6).demand, small.forecast(seasonal(), 6).demand
    assert np.abs(plain - rough).mean() < 0.1 * plain.mean()


def test_a_checkpoint_of_other_tunables_is_left_aside(
    trained: LSTMForecaster, tmp_path: Path
) -> None:
    trained.save(tmp_path / "f.json")
    with pytest.raises(CheckpointError, match="other tunables"):
        LSTMForecaster(Config(horizon=9)).restore(tmp_path / "f.json")


def test_too_short_a_series_is_refused_in_a_sentence() -> None:
    with pytest.raises(ModelNotFitted, match="intervals"):
        LSTMForecaster(CONFIG).fit(seasonal(30))
