"""The backtest against figures worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest

from engine.forecast.backtest import (
    Score,
    backtest,
    can_judge,
    judge,
    least_intervals,
    origins,
    split,
)
from engine.forecast.base import Config, Series
from engine.forecast.naive import LastValue, SeasonalValue
from engine.records import TOTAL

SAW = np.array([[1.0], [3.0], [5.0], [7.0]] * 6)
SERIES = Series(("/a",), SAW, np.full_like(SAW, 10.0), 5.0, 120.0)
CONFIG = Config(season=4, horizon=2)


def by_name(scores: list[Score]) -> dict[str, Score]:
    return {score.forecaster: score for score in scores if score.cache_name == TOTAL}


def test_errors_of_a_saw_are_as_counted_by_hand() -> None:
    scores = by_name(
        backtest(
            SERIES, {"last": LastValue(CONFIG), "seasonal": SeasonalValue(CONFIG)}, [20, 21], 2
        )
    )
    # At 20 the last value is 7 and 1, 3 come: errors 6, 4. At 21 it is 1 and 3, 5 come: 2, 4.
    assert scores["last"].demand_mae == pytest.approx((6 + 4 + 2 + 4) / 4)
    assert scores["last"].demand_mase == pytest.approx(1.0)
    assert scores["seasonal"].demand_mae == 0.0
    assert scores["seasonal"].demand_mase == 0.0
    assert scores["seasonal"].coverage == 1.0
    assert scores["last"].load_time_mae_ms == 0.0
    assert scores["last"].origins == 2


def test_each_origin_sees_only_what_lies_before_it() -> None:
    known, held = split(SERIES)
    assert (len(known), held) == (20, 4)
    assert known.end == 100.0
    assert origins(24, 4, 2) == [20, 21, 22]
    assert origins(24, 1, 2) == []


@pytest.mark.parametrize("config", [Config(), Config(window=8, horizon=3), Config(horizon=24)])
def test_no_interval_less_than_told_can_be_judged(config: Config) -> None:
    least = least_intervals(config)
    assert can_judge(least, config.learned, config.horizon)
    assert not can_judge(least - 1, config.learned, config.horizon)


def score(name: str, mae: float) -> Score:
    return Score(name, TOTAL, 5, mae, mae, 0.0, 0.8)


def test_the_network_speaks_only_when_it_beats_the_best_naive_forecast() -> None:
    losing = judge([score("lstm", 3.0), score("last", 4.0), score("seasonal", 2.0)], "lstm")
    assert losing.chosen == "seasonal"
    assert losing.note.startswith("The LSTM errs by 3.00 requests per interval, the value one sea")
    assert losing.note.endswith("2.00: the value one season ago is used.")
    winning = judge([score("lstm", 1.0), score("last", 4.0), score("seasonal", 2.0)], "lstm")
    assert winning.chosen == "lstm"
    assert "50% less" in winning.note
    by_hand = judge([score("lstm", 1.0), score("last", 4.0), score("seasonal", 2.0)], "last")
    assert by_hand.chosen == "last"
